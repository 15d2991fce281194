"""The package is cheap to name: a program that never serves does not pay for a web server."""

import os
import subprocess
import sys


def test_neither_the_package_nor_scenarios_import_the_web_server() -> None:
    named = "quarterdeck.llm.scripted, quarterdeck.llm.scripted.scenario"
    program = f"import sys, {named}; print('aiohttp' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"
