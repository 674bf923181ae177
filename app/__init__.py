"""What every room of the order processor needs: the Faust app, the domain, delivery, adapters."""
