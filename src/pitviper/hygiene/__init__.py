"""What lies beside each other in what people ship and install, and does not fit: compiled Python and its source."""
