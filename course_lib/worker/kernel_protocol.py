"""The frame header of the proxy connection, for both sides. Imports nothing of the project."""

import struct

HEADER = struct.Struct("<II")
"""Bytes in the frame, and number of the request it belongs to."""

STOP = 2**32 - 1
"""The number of a request without content that ends the serving."""
