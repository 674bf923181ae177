"""Whether Kafka's log, the workers' tables, MongoDB and the ledgers outside tell the same story.

Everything here only reads, and costs the workers nothing: no group is joined, no offset moved. A system may be audited
while it runs, because two rules say what can be judged at any moment:

- What a worker has committed must be safe. Committed offsets are fetched first, so whatever the log causes below them
  has to be found in every store that is read afterwards.
- Nothing is without a cause. The log's ends are fetched last, so whatever was found in a store has its cause below.

What lies between the two is in flight: it is counted, and is no difference.
"""
