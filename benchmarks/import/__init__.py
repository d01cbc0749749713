"""From a zip to committed, deduplicated rows, beside a bare COPY of the same rows into the same table."""
