
# streamrank: where bare `feast` and `bentoml` commands find the data set and the stores. Nothing is reported to anyone.
export STREAMRANK_ROOT="${STREAMRANK_ROOT:-$(dirname "$VIRTUAL_ENV")/.streamrank}"
export STREAMRANK_DATASET="${STREAMRANK_DATASET:-ml-100k}"
export BENTOML_HOME="${BENTOML_HOME:-$STREAMRANK_ROOT/bentoml}"
export BENTOML_DO_NOT_TRACK=True GX_ANALYTICS_ENABLED=false FEAST_USAGE=False
mkdir -p "$BENTOML_HOME"
