"""The Rust library's part of bench/tokenizer.ts: encodes the documents one by one on one core, three times over.

    python bench/tokenizer.py tokenizer.json documents.json     (pip install tokenizers)
"""
import json
import os
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402 (reads the variable above)

tokenizer = Tokenizer.from_file(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file:
    documents = json.load(file)
seconds = []
for _ in range(3):
    tokens = 0
    start = time.perf_counter()
    for document in documents:
        tokens += len(tokenizer.encode(document, add_special_tokens=False))
    seconds.append(time.perf_counter() - start)
print(json.dumps({"tokens": tokens, "seconds": seconds}))
