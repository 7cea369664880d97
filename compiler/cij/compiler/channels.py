"""Channels: the customer's field that holds the address on each."""

ADDRESS = {"email": "email", "sms": "phone", "push": "device"}
