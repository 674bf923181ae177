"""Faust's assignor, for members that come back by the name of another address."""

import logging
from typing import TYPE_CHECKING, Any

from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)


class DrainAssignor(PartitionAssignor):
    """A static member is given its partitions back as they were, under the address it had then.

    Faust takes another address for an error, at which its consumer stops for good without a word. Here the member joins
    once more, with what it was given: that is news to the group, so that all agree anew, and learn the new address.
    """

    app: "DeliveryApp"

    def on_assignment(self, assignment: Any) -> None:
        """Take in what the group's leader has decided. Runs on the consumer's thread."""
        told = ClientMetadata.loads(self._decompress(assignment.user_data))
        ours = str(self._url)
        moved = told.url != ours
        if moved:
            log.warning("the group knows this member at %s: joining again, from %s", told.url, ours)
            told.url = ours
            assignment.user_data = self._compress(told.dumps())
        super().on_assignment(assignment)
        if moved:
            self.app.drain.join_again()
