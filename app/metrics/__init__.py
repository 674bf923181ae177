"""What is measured, and how it is told to Prometheus.

Names follow Prometheus' conventions: what is measured, the base unit, `_total` for what only grows. Label sets are
bounded: statuses, reasons, operations, topics, partitions, routes, never an order's or a customer's. What a worker
counts all the time are plain numbers of its own; they become samples when somebody scrapes.
"""
