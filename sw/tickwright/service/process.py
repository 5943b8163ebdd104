"""The service: one process that owns one card, from its start to its end.

At its start it kills the card, finds out which sets it holds, and arms nothing. While it runs it
answers desks, looks at the card, and gives signs of life to the feeder of the card's watchdog. At
its end, by a desk, SIGTERM or SIGINT, it kills the card first, and once more when nobody is
answered any more. SIGUSR1 kills and goes on.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from tickwright.bus.opening import place_of
from tickwright.host.card import Card
from tickwright.monitoring.http import Health, MonitorServer
from tickwright.recorder.settings import RecorderSettings
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.archive import Archive
from tickwright.service.card_lock import CardLock
from tickwright.service.children import Child
from tickwright.service.desk import Desk, DeskSettings
from tickwright.service.errors import ServiceError
from tickwright.service.feeding import Feeder, Patience, process_feeder, thread_feeder
from tickwright.service.following import Following
from tickwright.service.interlock import Interlock
from tickwright.service.journal import Journal
from tickwright.service.kept import Kept, One
from tickwright.service.keys import Key, Registry, service_file, service_key
from tickwright.service.killer import Killer
from tickwright.service.log import Log, Sparing
from tickwright.service.newest_sample import NewestSample
from tickwright.service.notify import Notifier, NotifyError
from tickwright.service.numbers import Numbers
from tickwright.service.progress import Progress
from tickwright.service.reach import Reach
from tickwright.service.server import Server
from tickwright.service.settings import ServiceSettings
from tickwright.service.state_folder import StateFolder
from tickwright.service.urgency import be_urgent
from tickwright.service.whereabouts import Whereabouts, forget, tell
from tickwright.service.worker import Worker

__all__ = ["Service"]

BY = "service"  # in the journal
MS_NS = 1_000_000
STUCK_NS = 1000 * MS_NS  # without progress, the thread that carries out requests is stuck
POLL_S, SAMPLE_S = 0.25, 2.0  # between two looks at the card
POLL_SHARE, SAMPLE_SHARE = 20, 250  # a look takes one part in so many of the worker's time
POLL_MOST_S, SAMPLE_MOST_S = 1.0, 30.0  # however long looks take: on a card that is simulated
SWITCH_S = 0.0005  # until a thread that waits has its turn: the loop must not wait for the worker
LATE_S = 5.0  # that a sample may be late before the one before it is too old to be shown
LOST_S = 5.0  # a card that does not answer for so long ends the service
ALIVE_S = 0.5
LINES_A_SECOND = 20  # of one part of the service in the log
PATIENCE_S = 20.0  # for the recorder of a service before this one, which ends by itself
RECORDER = "tickwright.recorder.process"
TWIN, RING = "twin:", ".ring"  # where a twin keeps its telemetry


class Service:
    """Runs with ``settings``; ``log`` takes what happens, ``notifier`` is the service manager."""

    def __init__(self, settings: ServiceSettings, log: Log, notifier: Notifier) -> None:
        self._settings, self._log, self._notifier = settings, log, notifier
        self._patience = Patience(settings.watchdog_ms)
        self._progress = Progress(time.monotonic_ns)
        self._interlock = Interlock()
        self._stop = asyncio.Event()
        self._why = ""  # it ends by a failure
        self._untold = ""  # why the service manager did not hear the last word
        self._sample = NewestSample(time.monotonic)
        self._lost_s: float | None = None  # since when the card does not answer
        self._faults: list[Callable[[], str]] = []  # each returns what ails a part, or nothing
        self._following: Following | None = None
        self._server: Server | None = None
        self._publishing = self._monitoring = ""  # where

    async def run(self, ready: Callable[[list[str]], None]) -> None:
        """Serve until the end; ``ready`` is called with the endpoints once it serves.

        Raises ServiceError, StateError, CardLockError, JournalError, KeysError, NumbersError,
        ServerError, ChildError, BusError, CardError or OSError: it cannot begin. ServiceError, when
        a card that was there is lost.
        """
        sys.setswitchinterval(SWITCH_S)
        async with AsyncExitStack() as stack:
            folder = stack.enter_context(StateFolder(Path(self._settings.state)))
            stack.callback(forget, folder.whereabouts)
            stack.enter_context(CardLock(self._settings.card))
            key = service_key(folder.path)
            journal = stack.enter_context(Journal(folder.journal))
            reach = stack.enter_context(Reach(self._settings.card))
            killer = Killer(reach.urgent_way, journal, self._interlock)
            stack.callback(killer.close)
            worker = Worker(self._interlock, self._progress)
            stack.callback(worker.close)
            desk = await self._recovered(stack, folder, journal, reach, worker)
            self._heed_signals(stack, killer)
            stack.callback(self._note_end, journal)
            stack.push_async_callback(self._disarm, killer)
            await self._begin_recorder(stack, folder, key)
            await self._begin_feeder(stack, reach)
            await self._take_sample(desk, worker)
            await self._begin_monitor(stack)
            server = await self._begin_server(stack, folder, key, desk, worker, killer)
            self._go(stack, "looking", self._look(desk, worker))
            self._tell(folder, key, server)
            if not be_urgent():
                self._log.warning("not urgent", why="RLIMIT_RTPRIO: found 0, expected 1 or more")
            gc.collect()
            gc.freeze()  # what is there from the beginning on is not gone through again
            self._notifier.ready()
            ready(server.endpoints)
            await self._stop.wait()
            self._told(self._notifier.stopping)
            await self._disarm(killer)
        if self._why:
            raise ServiceError.unreachable(self._why)

    async def _recovered(
        self,
        stack: AsyncExitStack,
        folder: StateFolder,
        journal: Journal,
        reach: Reach,
        worker: Worker,
    ) -> Desk:
        """Kill the card and find out what it holds; return the desk."""
        way = self._interlock.guarded(self._progress.watched(reach.way()))
        stack.callback(way.close)
        settings = DeskSettings(
            card=self._settings.card,
            watchdog_ms=self._patience.card_ms,
            clock_offset_ms=self._settings.clock_offset_ms,
        )

        def begin() -> Desk:
            card = Card(way)
            desk = Desk(
                card,
                journal,
                Archive(folder.sets),
                settings,
                now_ns=time.time_ns,
                telemetry=self._newest,
                sense=self._sense,
            )
            desk.recover()
            self._log.info("recovered", **_found(desk, card))
            details = {"process": os.getpid(), "card": settings.card}
            journal.append(BY, "service.started", details)
            return desk

        return await worker.do(begin)

    def _heed_signals(self, stack: AsyncExitStack, killer: Killer) -> None:
        loop = asyncio.get_running_loop()
        heeded: dict[signal.Signals, Callable[[], object]] = {
            signal.SIGTERM: self._stop.set,
            signal.SIGINT: self._stop.set,
            signal.SIGUSR1: lambda: killer.ask("signal", signal=signal.SIGUSR1.name),
        }
        for number, heed in heeded.items():
            loop.add_signal_handler(number, heed)
            stack.callback(loop.remove_signal_handler, number)

    async def _disarm(self, killer: Killer) -> None:
        """Kill the card: as the first thing of an end, and as the last that is done to it."""
        try:
            found, _ = await killer.ask(BY, why=self._why or "the service ends")
            self._log.info("disarmed", state=found.state)
        except ServiceError as error:
            self._log.error("not disarmed", why=str(error))

    def _note_end(self, journal: Journal) -> None:
        journal.append(BY, "service.stopped", {"why": self._why})

    def _tell(self, folder: StateFolder, key: Key, server: Server) -> None:
        """Let those who may look into the folder know where the service listens."""
        found = Whereabouts(
            process=os.getpid(),
            card=self._settings.card,
            place=str(place_of(self._settings.card)),
            public=key.public,
            endpoints=server.endpoints,
            telemetry=self._publishing,
            metrics=self._monitoring,
        )
        tell(folder.whereabouts, found)

    async def _begin_recorder(self, stack: AsyncExitStack, folder: StateFolder, key: Key) -> None:
        card, ring = self._settings.card, self._settings.ring
        if not ring and card.startswith(TWIN):
            ring = f"{card.removeprefix(TWIN)}{RING}"
        if not ring:
            self._log.warning("no recorder", why="this card has no ring that a host can follow")
            return
        endpoint = self._settings.publish or folder.telemetry
        settings = RecorderSettings(
            ring=ring,
            folder=str(folder.segments),
            publish=endpoint,
            key=str(service_file(folder.path)),
            state=str(folder.path),
            parent=os.getpid(),
        )
        text = msgspec.json.encode(settings)

        async def start() -> Child:
            return await Child.start(RECORDER, [], told=text, said=self._said("recorder"))

        recorder = Kept("recorder", start, self._said("recorder"))
        child = await self._keep(stack, recorder, PATIENCE_S)
        self._publishing = child.ready
        self._following = Following(child.ready, key)
        stack.callback(self._following.close)

    async def _begin_feeder(self, stack: AsyncExitStack, reach: Reach) -> None:
        said = self._said("feeder")

        async def start() -> Feeder:
            if reach.several:
                return await process_feeder(reach.text, self._patience, said)
            return await thread_feeder(reach.urgent_way(), self._patience)

        feeder = Kept("feeder", start, said)
        await self._keep(stack, feeder)
        self._go(stack, "signing", self._sign(feeder))

    async def _begin_monitor(self, stack: AsyncExitStack) -> None:
        host, colon, port = self._settings.metrics.rpartition(":")
        if not colon:
            return
        monitor = MonitorServer(lambda: self._sample.shown(stuck=self._stuck), self._health)
        try:
            chosen = await monitor.start(host.strip("[]"), int(port))
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = "address already in use" if in_use else (error.strerror or "failed").lower()
            raise ServiceError.failed(
                f"metrics at {self._settings.metrics}: {why}; --metrics names another place"
            ) from None
        stack.push_async_callback(monitor.close)
        self._monitoring = f"{host}:{chosen}"
        self._log.info("metrics", host=host, port=chosen)

    async def _begin_server(
        self,
        stack: AsyncExitStack,
        folder: StateFolder,
        key: Key,
        desk: Desk,
        worker: Worker,
        killer: Killer,
    ) -> Server:
        numbers = stack.enter_context(Numbers(folder.numbers))

        async def ask(by: Key, verb: str, arguments: bytes, kills: int) -> tuple[bytes, int]:
            return await worker.ask(desk, by, verb, arguments, kills)

        server = Server(
            [folder.service, *self._settings.listen],
            key,
            Registry(folder.path),
            numbers,
            ask=ask,
            kill=killer.ask,
            kills=lambda: self._interlock.kills,
            stop=self._stop.set,
            told=self._said("requests"),
        )
        self._server = server
        return await stack.enter_async_context(server)

    async def _keep(self, stack: AsyncExitStack, kept: Kept[One], patience_s: float = 0.0) -> One:
        first = await kept.begin(patience_s)
        stack.push_async_callback(kept.end)
        self._faults.append(lambda: kept.fault)
        return first

    async def _sign(self, feeder: Kept[Feeder]) -> None:
        """Give signs of life, unless the thread that carries out requests is stuck.

        They are for the card and for the service manager.
        """
        told, told_s, signed_ns = self._said("late"), 0.0, time.monotonic_ns()
        while True:
            now_ns = time.monotonic_ns()
            if now_ns - signed_ns > self._patience.sign_ms * MS_NS:
                told(f"found {(now_ns - signed_ns) // MS_NS} ms between two signs of life")
            signed_ns = now_ns
            if feeder.current is not None and not self._stuck:
                feeder.current.sign(now_ns)
            if time.monotonic() - told_s >= ALIVE_S and not self._stuck:
                told_s = time.monotonic()
                self._told(self._notifier.alive)
            await asyncio.sleep(self._patience.period_s)

    async def _look(self, desk: Desk, worker: Worker) -> None:
        """Look at the card, and end where it is lost.

        A look takes long on a card that is simulated; requests hardly ever wait for one.
        """
        sampled_s, pause_s = time.monotonic(), SAMPLE_S
        while True:
            begun_s = time.monotonic()
            await worker.do(desk.poll)
            poll_s = _pause(POLL_S, POLL_MOST_S, POLL_SHARE * (time.monotonic() - begun_s))
            if begun_s - sampled_s >= pause_s:
                pause_s = await self._take_sample(desk, worker)
                sampled_s = time.monotonic()
            if not desk.card_lost:
                self._lost_s = None
            elif self._lost_s is None:
                self._lost_s = time.monotonic()
                self._log.error("card lost", why=desk.card_lost)
            elif time.monotonic() - self._lost_s > LOST_S:
                self._why = f"the card is lost: {desk.card_lost}"
                self._stop.set()
                return
            await asyncio.sleep(poll_s)

    async def _take_sample(self, desk: Desk, worker: Worker) -> float:
        """Take a sample; return after how many seconds to take the next."""
        begun_s = time.monotonic()
        try:
            sample = await worker.do(desk.sample)
        except ServiceError as error:
            sample = None
            self._log.warning("no sample", why=str(error))
        fitting_s = SAMPLE_SHARE * (time.monotonic() - begun_s)
        pause_s = _pause(SAMPLE_S, SAMPLE_MOST_S, fitting_s)
        if sample is None:
            self._sample.forget()
        else:
            self._sample.keep(sample, pause_s + LATE_S)
        return pause_s

    @property
    def _stuck(self) -> bool:
        """Whether the thread that carries out requests does not get on."""
        return self._progress.stuck(STUCK_NS)

    def _newest(self) -> Snapshot | None:
        return None if self._following is None else self._following.newest()

    def _sense(self) -> dict[str, float]:
        refused = 0 if self._server is None else self._server.refused
        return {"tickwright_requests_refused_total": float(refused)}

    def _health(self) -> Health:
        faults = [fault for told in self._faults if (fault := told())]
        if self._lost_s is not None:
            faults.append("card: it does not answer")
        if self._stuck:
            faults.append("requests: the one that is carried out does not get on")
        return not faults, {"faults": faults, "card": self._settings.card}

    def _told(self, tell: Callable[[], None]) -> None:
        """Tell the service manager; that one does not hear is logged once, and ends nothing."""
        untold = ""
        try:
            tell()
        except NotifyError as error:
            untold = str(error)
        if untold not in ("", self._untold):
            self._log.warning("not told", why=untold)
        self._untold = untold

    def _said(self, who: str) -> Callable[[str], None]:
        """Return what logs the lines of a part of the service, so many a second."""

        def tell(line: str, left_out: int) -> None:
            self._log.warning(who, said=line, left_out=left_out)

        return Sparing(tell, LINES_A_SECOND, time.monotonic)

    def _go(self, stack: AsyncExitStack, name: str, work: Coroutine[None, None, None]) -> None:
        """Have work done until the end; where it ends before, so does the service."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._why = f"a fault of the service: {name}: {type(error).__name__}: {error}"
                self._stop.set()

        task = asyncio.create_task(work, name=name)
        task.add_done_callback(ended)
        stack.push_async_callback(_cancelled, task)


def _pause(least_s: float, most_s: float, fitting_s: float) -> float:
    return min(most_s, max(least_s, fitting_s))


def _found(desk: Desk, card: Card) -> dict[str, object]:
    """Return what a start found, for the log: why the card is killed, and the sets in force."""
    sets: dict[str, object] = {
        str(kind): held.doubt or (0 if held.stored is None else held.stored.epoch)
        for kind, held in desk.held.items()
    }
    return {"kill_reasons": list(card.kill_reasons)} | sets


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
