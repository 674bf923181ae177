"""The Faust app, and nothing else: `faust -A app.main worker` is the worker."""

from __future__ import annotations

import os
import sys

from app.access_settings import AccessSettings
from app.delivery import DeliveryApp
from app.logs import logging_config
from app.settings import Settings
from app.tracing.spans import Spans

try:
    settings = Settings.from_environment(os.environ)
    access = AccessSettings.from_environment(os.environ)
    access.check(settings.port)
    web_ssl_context = access.server_tls()
    security = access.kafka_security()
    spans = Spans(os.environ, settings.app_id, settings.url)
    lines = logging_config(settings.log_format, settings.log_level, settings.log_levels)
except ValueError as error:
    sys.stderr.write(f"A setting can't be used: {error}\n")
    raise SystemExit(2) from None

app = DeliveryApp(
    settings.app_id,
    bootstrap=settings.bootstrap,
    security=security,
    broker=f"kafka://{settings.bootstrap}",
    store="memory://",
    autodiscover=["tables", "agents", "views", "app.cli"],
    logging_config=lines,
    datadir=settings.data_dir,
    canonical_url=settings.url,
    web_host=settings.host,
    web_bind=settings.host,
    web_port=settings.port,
    web_ssl_context=web_ssl_context,
    web_router_enabled=False,  # Faust's own pages: `views` has better ones
    web_tables_enabled=False,
    web_graph_enabled=False,
    web_stats_enabled=False,
    topic_partitions=settings.partitions,
    replication=settings.replication,
    broker_session_timeout=settings.session_timeout_s,
    broker_heartbeat_interval=settings.heartbeat_interval_s,
    broker_rebalance_timeout=settings.rebalance_timeout_s,
    broker_commit_interval=settings.commit_interval_s,
    consumer_group_instance_id=settings.group_instance_id or None,
    delivery_timeout_s=settings.delivery_timeout_s,
    front_timeout_s=settings.front_timeout_s,
    compaction_lag_s=settings.longest_pause_s,
    table_standby_replicas=0,
)
