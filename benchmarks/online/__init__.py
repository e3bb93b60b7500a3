"""Online reads: the features of 1,000 items for one request, from one view and from the four that a ranker asks."""
