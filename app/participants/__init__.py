"""What each participant does with one message: decoded, decided by the domain, told as rows and records to send.

Pure functions of the rows and the record. The agents run them over their topics; the audit runs them over the log.
"""
