"""What collaborative filtering and a nightly run say of a user: arrays, read like any feature."""

from entities import user
from feast import FeatureView, Field
from feast.types import Array, Float32, Int64, String
from sources import NEVER_EXPIRES, feature_file

user_vectors = FeatureView(
    name="user_vectors",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="user_vector", dtype=Array(Float32), description="of the fit that vector_version names"),
        Field(name="vector_version", dtype=String, description="items' vectors of another fit mean nothing to it"),
    ],
    source=feature_file("user_vectors"),
    description="A row a user and fit, as of the last act that the fit was made of.",
)

user_candidates = FeatureView(
    name="user_candidates",
    entities=[user],
    ttl=NEVER_EXPIRES,
    schema=[
        Field(name="candidate_items", dtype=Array(String), description="best first"),
        Field(name="candidate_scores", dtype=Array(Float32)),
        Field(name="candidates_at", dtype=Int64, description="us UTC: when they were found"),
    ],
    source=feature_file("user_candidates"),
    description="What all sources found for a user in the last nightly run (`streamrank candidates`).",
)
