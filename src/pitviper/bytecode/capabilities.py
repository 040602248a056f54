"""What code can do to the machine that runs it, told by the names that it uses."""

from __future__ import annotations

from collections.abc import Iterable

_NAMES = {
    "process": (
        "system popen popen2 popen3 popen4 subprocess Popen check_output check_call getoutput getstatusoutput"
        " run_command commands pty spawn spawnl spawnle spawnlp spawnv spawnve spawnvp spawnvpe"
        " execl execle execlp execlpe execv"
        " execve execvp execvpe posix_spawn posix_spawnp fork forkpty startfile create_subprocess_exec"
        " create_subprocess_shell ShellExecute ShellExecuteW CreateProcess WinExec"
    ),
    "network": (
        "socket create_connection socketpair urllib urllib2 urllib3 urlopen urlretrieve requests httpx aiohttp httplib"
        " HTTPConnection HTTPSConnection ftplib FTP smtplib SMTP telnetlib Telnet xmlrpc xmlrpclib paramiko websocket"
        " websockets asyncore open_connection gethostbyname getaddrinfo dnspython boto3 pycurl"
    ),
    "execute": (
        "exec eval execfile compile __import__ importlib import_module runpy run_path run_module marshal imp"
        " load_module load_source load_compiled spec_from_file_location spec_from_loader module_from_spec exec_module"
        " FunctionType CodeType LambdaType pickle cPickle dill cloudpickle shelve __builtins__ __subclasses__"
        " __globals__ addaudithook settrace"
    ),
    "decode": (
        "base64 b64decode urlsafe_b64decode standard_b64decode b32decode b16decode b85decode a85decode decodebytes"
        " decodestring binascii unhexlify a2b_hex a2b_base64 fromhex codecs decompress zlib lzma bz2 rot13 bytes"
        " bytearray"
    ),
    "native": (
        "ctypes cffi CDLL WinDLL windll cdll dlopen mmap VirtualAlloc CreateThread RtlMoveMemory create_string_buffer"
    ),
    "environment": "environ getenv putenv environb expanduser getpass keyring winreg _winreg browser_cookie3",
}
_BY_NAME = {name: ability for ability, names in _NAMES.items() for name in names.split()}


def names(abilities: Iterable[str]) -> list[str]:
    """The names by which code has these abilities."""
    return [name for ability in abilities for name in _NAMES[ability].split()]


def of(names: Iterable[str]) -> set[str]:
    """What the code that uses these names can do, by the keys of the table above."""
    return {_BY_NAME[part] for name in names for part in name.split(".") if part in _BY_NAME}
