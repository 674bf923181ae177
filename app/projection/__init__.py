"""The projection: how facts become the documents that people query, and how all of them are made anew from Kafka."""
