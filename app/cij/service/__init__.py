"""The HTTP service: a front door beside the command line. It takes events, orders and questions."""
