"""What a job calls to report to PDG: the documented functions of SideFX's module of this name, written anew.

For the tests' stand-in only. Standard library, any Python 3. Behaviour from the documentation: without
`PDG_RESULT_SERVER`, or with `PDG_DISABLE_RPC=1`, calls only print; a call is tried `PDG_RPC_RETRIES` times more, each
with `PDG_RPC_TIMEOUT` seconds; after `PDG_RPC_MAX_ERRORS` failed calls reporting is off for the whole process.
"""

import json
import os
import random
import socket
import sys
import time

_errors = 0
disabled = os.environ.get("PDG_DISABLE_RPC", "0") == "1" or not os.environ.get("PDG_RESULT_SERVER")


def _number(name, default):
    return float(os.environ.get(name, default))


def _send(request, address):
    host, port = address.rsplit(":", 1)
    timeout = _number("PDG_RPC_TIMEOUT", 4)
    with socket.create_connection((host, int(port)), timeout) as connection:
        connection.sendall(json.dumps(request).encode("utf-8") + b"\n")
        connection.settimeout(timeout)
        with connection.makefile("rb") as answers:
            line = answers.readline()
    if not line:
        raise OSError("the server closed the connection")
    return json.loads(line.decode("utf-8"))


def _attempt(request, address):
    retries = int(_number("PDG_RPC_RETRIES", 4))
    for attempt in range(retries + 1):
        try:
            return _send(request, address)
        except OSError:
            if attempt == retries:
                raise
            time.sleep(random.random() * min(2**attempt * 0.1, _number("PDG_RPC_MAX_BACKOFF", 4)))
    return None


def _call(call, workitem_id, server_addr, raise_exc, **content):
    global _errors, disabled
    if disabled:
        print("PDG: %s %s" % (call, json.dumps(content)))
        sys.stdout.flush()
        return
    item = int(os.environ["PDG_ITEM_ID"]) if workitem_id is None else workitem_id
    try:
        answer = _attempt(dict(content, call=call, item=item), server_addr or os.environ["PDG_RESULT_SERVER"])
        if answer["error"]:
            raise RuntimeError(answer["error"])
    except (OSError, RuntimeError) as error:
        _errors += 1
        if _errors >= _number("PDG_RPC_MAX_ERRORS", 5):
            disabled = True
            print("PDG: reporting is off for this process after %d errors" % _errors)
        sys.stdout.flush()
        if raise_exc and os.environ.get("PDG_RPC_IGNORE_ERRORS", "0") == "0":
            raise RuntimeError("PDG cannot be told %s: %s" % (call, error)) from error


def addOutputFile(
    result_data,
    workitem_id=None,
    server_addr=None,
    result_data_tag="",
    subindex=-1,
    and_success=False,
    to_stdout=True,
    raise_exc=True,
    duration=0,
    hash_code=0,
    batch_size=50,
):
    """Reports one output file, or a list of them."""
    paths = [result_data] if isinstance(result_data, str) else list(result_data)
    addOutputFiles(
        paths, workitem_id, server_addr, result_data_tag, subindex, and_success, to_stdout, raise_exc, duration,
        [hash_code] * len(paths), batch_size,
    )  # fmt: skip


def addOutputFiles(
    output_file_array,
    workitem_id=None,
    server_addr=None,
    output_file_tag="",
    subindex=-1,
    and_success=False,
    to_stdout=True,
    raise_exc=True,
    duration=0,
    hash_codes=(),
    batch_size=50,
):
    """Reports output files of one tag."""
    if subindex != -1 or and_success:
        raise NotImplementedError("batches and and_success are not imitated")
    paths = [delocalizePath(str(path)) for path in output_file_array]
    hashes = list(hash_codes) or [0] * len(paths)
    _call("output", workitem_id, server_addr, raise_exc, paths=paths, tag=output_file_tag, hashes=hashes)


def _setter(kind):
    def set_attribute(name, value, index=0, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
        content = {"kind": kind, "name": name, "values": [value], "index": index}
        _call("attribute", workitem_id, server_addr, raise_exc, **content)

    return set_attribute


def _array_setter(kind):
    def set_array(name, values, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
        content = {"kind": kind, "name": name, "values": list(values), "index": None}
        _call("attribute", workitem_id, server_addr, raise_exc, **content)

    return set_array


setStringAttrib = _setter("String")
setIntAttrib = _setter("Int")
setFloatAttrib = _setter("Float")
setFileAttrib = _setter("File")
setDictAttrib = _setter("Dict")
setStringAttribArray = _array_setter("String")
setIntAttribArray = _array_setter("Int")
setFloatAttribArray = _array_setter("Float")
setFileAttribArray = _array_setter("File")
setDictAttribArray = _array_setter("Dict")


def workItemSetCookPercent(cook_percent, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """Share that is done, 0 to 1."""
    _call("percent", workitem_id, server_addr, raise_exc, value=cook_percent)


def workItemSetCustomState(custom_state, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """Text shown as the item's state."""
    _call("state", workitem_id, server_addr, raise_exc, value=custom_state)


def workItemAppendLog(log_data, log_type=3, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """Text for the item's log: 0 error, 1 warning, 2 message, 3 raw."""
    _call("log", workitem_id, server_addr, raise_exc, text=log_data, kind=log_type)


def warning(message, workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """A warning on the node."""
    workItemAppendLog(message, 1, workitem_id, server_addr, subindex, raise_exc)


def invalidateCache(workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """Files of the item on disk do not count."""
    _call("invalidate", workitem_id, server_addr, raise_exc)


def keepalive(workitem_id=None, server_addr=None, subindex=-1, raise_exc=True):
    """Tells that the job lives."""
    _call("alive", workitem_id, server_addr, raise_exc)


def delocalizePath(local_path):
    """The path with the working folder as a token."""
    folder = os.environ.get("PDG_DIR", "")
    inside = folder and (local_path == folder or local_path.startswith(folder.rstrip("/") + "/"))
    return "__PDG_DIR__" + local_path[len(folder.rstrip("/")) :] if inside else local_path


def localizePath(deloc_path):
    """The path with the token replaced."""
    return deloc_path.replace("__PDG_DIR__", os.environ.get("PDG_DIR", ""))


def printlog(message):
    """Prints at once."""
    print(message)
    sys.stdout.flush()


def __getattr__(name):
    if name.startswith("_"):
        raise AttributeError(name)
    raise NotImplementedError("pdgcmd.%s is not documented, or not imitated by the stand-in" % name)
