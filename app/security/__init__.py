"""Who may do what, and how much of it: rules for credentials, roles and limits. Knows nothing of orders or HTTP."""
