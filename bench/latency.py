#!/usr/bin/env python3
"""Times activations or deactivations through the control API.

    latency.py activate|deactivate FIRST COUNT [CLIENTS]

Device N has base.img as its base and N.cow as its cowfile, both in the working directory. Each client keeps one connection open,
as a program that manages devices does; what is timed is a request until its reply has been read, and nothing else.
"""
import http.client
import json
import os
import socket
import sys
import threading
import time


class ControlConnection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("cowloop")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(os.path.join(os.environ["COWLOOP_RUN_DIR"], "control.sock"))


def ask(connection, action, number):
    if action == "activate":
        body = json.dumps({"base": "base.img", "cowfile": f"{number}.cow", "directory": os.getcwd(), "number": number})
        connection.request("POST", "/v1/devices", body, {"Content-Type": "application/json"})
    else:
        connection.request("DELETE", f"/v1/devices/{number}")
    reply = connection.getresponse()
    text = reply.read()
    if reply.status >= 300:
        raise RuntimeError(f"{action} {number}: {reply.status} {text.decode()}")


def run(action, numbers, lock, times):
    connection = ControlConnection()
    connection.connect()
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        start = time.perf_counter()
        ask(connection, action, number)
        times.append((time.perf_counter() - start) * 1000)


def main():
    action, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    clients = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    numbers, lock, times = iter(range(first, first + count)), threading.Lock(), []
    threads = [threading.Thread(target=run, args=(action, numbers, lock, times)) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    if len(times) != count:
        sys.exit(1)
    times.sort()
    print(f"p50 {times[(count - 1) // 2]:.1f} ms, p99 {times[min(count - 1, round(count * 0.99))]:.1f} ms, {count / elapsed:.0f} per second")


main()
