from still_spotify import shared_pretend_spotify

__all__ = ["shared_pretend_spotify"]
