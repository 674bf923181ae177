"""The world outside: payment gateways, carriers, MongoDB. Chosen in `app.wiring`, nowhere else."""
