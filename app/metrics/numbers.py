"""The numbers of this worker: one of each, registered where `views/metrics.py` reads them."""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY

from app.main import app, settings
from app.metrics.business import MoneyNumbers, OrderNumbers, StockNumbers
from app.metrics.stream import StreamNumbers

orders: Final = OrderNumbers()
stock: Final = StockNumbers(settings.low_stock)
money: Final = MoneyNumbers()
stream: Final = StreamNumbers(app.stats)

for _numbers in (orders, stock, stream):
    REGISTRY.register(_numbers)
