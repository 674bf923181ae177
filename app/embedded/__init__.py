"""Real parts for a machine that has nothing but Python: Kafka, MongoDB, and what runs them beside the workers.

Production sets `KAFKA_URL` and `MONGO_URL` and never comes here. Everything below stands under one home folder
(`.local`), is started as a child process, and ends with the program that started it.
"""
