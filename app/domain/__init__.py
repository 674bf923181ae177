"""Pure decisions: the saga of an order, one product's stock, one payment, one shipment, money.

Standard library only, no clock, no settings, no input and output: a decision depends on the row and the message and on
nothing else, so that a replay after a crash decides the same again.
"""
