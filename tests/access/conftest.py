from access_trials import required_client

__all__ = ["required_client"]
