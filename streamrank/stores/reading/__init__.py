"""How the reader works: the plan of a service, the rows of a request, keys through items, the answer."""
