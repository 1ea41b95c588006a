"""A dream as a web page: what `reverie share` writes, and the page itself in `page/`."""
