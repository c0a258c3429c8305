#!/usr/bin/env bash
# Makes the built-in model in one run: tokenizer, data, short sentences, training with its finish, export, questions, scores.
# What does not need each other goes on at the same time: SmolLM2 writes on the GPU while the processor encodes WordNet's
# conversations, and training compiles meanwhile. Everything is printed to OUT/run.log with the seconds since the start, and
# the first step that fails ends the run. Smaller numbers make a trial run, on a processor too:
#
#     bash run.sh WORDNET_FOLDER smollm2-135m-instruct-q4_1.gguf OUT
#     ROWS=2 STEPS=3 FINISH_STEPS=2 CONVERSATIONS=3200 TOKENIZER_CONVERSATIONS=12800 BATCH=6 BATCHES=2 MOST=2 bash run.sh … OUT
set -euo pipefail
# Jobs get process groups of their own, which are ended whole.
set -m

[ $# = 3 ] || { echo 'run.sh WORDNET_FOLDER SMOLLM2_GGUF OUT' >&2; exit 2; }
wordnet=$(realpath -e "$1") smollm2=$(realpath -e "$2") out=$(realpath -m "$3")
[ ! -e "$out" ] || { echo "$out is there already" >&2; exit 2; }
mkdir -p "$out"
cd "$(dirname "$(realpath "$0")")"
export PYTHONHASHSEED=0 PYTHONUNBUFFERED=1
python=${PYTHON:-python3}

# start NAME SCRIPT ARGUMENT…: begins a step in the background; `job` is its process.
start() {
  local name=$1
  "$python" "${@:2}" > >(while IFS= read -r line; do printf '%4d s  %-18s %s\n' $SECONDS "$name" "$line"; done) 2>&1 < /dev/null &
  job=$!
  begun+=("$job")
}

end() {
  wait "$1" || { echo "$SECONDS s: a step failed with status $?: $2"; exit 1; }
}

finish() {
  local status=$? job
  for job in "${begun[@]}"; do kill -- "-$job" 2> /dev/null || true; done
  [ "$status" = 0 ] || echo "failed with status $status after $SECONDS s"
  exec >&- 2>&-
  wait "$log"
}

begun=()
exec > >(exec tee "$out/run.log") 2>&1
log=$!
trap finish EXIT
"$python" -c 'import torch, tokenizers, safetensors, gguf, numpy; print("torch", torch.__version__, "tokenizers", tokenizers.__version__, "numpy", numpy.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")'
echo "$(nproc) processors; scripts $(cat ./*.py run.sh | sha256sum | cut -c1-16); SmolLM2 $(sha256sum < "$smollm2" | cut -c1-16)"
start distill distill.py "$wordnet" "$smollm2" "$out/sentences.jsonl.xz" "${BATCH:-4096}" "${BATCHES:-100000}"; distill=$job
start tokenizer tokenizer.py "$wordnet" "$out" "${TOKENIZER_CONVERSATIONS:-250000}"; end "$job" tokenizer
start train train.py "$out/data" "$out" rows="${ROWS:-256}" steps="${STEPS:-4700}" finish_steps="${FINISH_STEPS:-1000}"; train=$job
start 'encode words' encode.py "$wordnet" "$out/tokenizer.json" "$out/data" words "${CONVERSATIONS:-7000000}"; end "$job" 'encode words'
end "$distill" distill
start 'encode sentences' encode.py "$wordnet" "$out/tokenizer.json" "$out/data" sentences "$out/sentences.jsonl.xz" "${PASSES:-7}"; end "$job" 'encode sentences'
start evaluation evaluation.py "$wordnet" "$out/eval.jsonl"; end "$job" evaluation
end "$train" train
start score score.py "$wordnet" "$out" ${MOST:+"$MOST"}; end "$job" score
(cd "$out" && sha256sum model.safetensors config.json generation_config.json tokenizer.json tokenizer_config.json eval.jsonl)
echo "$SECONDS s in all"
