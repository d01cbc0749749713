"""Every view of a history over HTTP, with one client and with many, and nothing cached but the columns."""
