"""What every request passes, as plain ASGI, one wall in each file; `install.py` puts them in their order."""
