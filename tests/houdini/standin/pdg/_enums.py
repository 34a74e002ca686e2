"""PDG's enumerations. Sources: reference pdg.md 1.2, 2.1, 2.4, 2.5, 2.7, 4.2 (documented names, observed numbers)."""

from __future__ import annotations

import enum

from ._strict import StrictEnum, StrictEnumMeta


class attribType(StrictEnum):
    Undefined = -1
    Int = 0
    Float = 1
    String = 2
    File = 3
    PyObject = 4
    Geometry = 5
    Dict = 6


class attribFlag(enum.IntFlag, metaclass=StrictEnumMeta):
    NoCopy = 1
    EnvExport = 2
    ReadOnly = 4
    Internal = 8
    Operator = 16


class workItemState(StrictEnum):
    Undefined = 0
    Dirty = 1
    Uncooked = 2
    Waiting = 3
    Scheduled = 4
    Cooking = 5
    CookedSuccess = 6
    CookedCache = 7
    CookedFail = 8
    CookedCancel = 9


class workItemCacheState(StrictEnum):
    Clean = 0
    CleanPending = 1
    DirtyAlways = 2
    DirtyEmpty = 3
    DirtyMissing = 4
    DirtyNew = 5
    DirtyStale = 6


class workItemCookType(StrictEnum):
    Automatic = 0
    Generate = 1
    InProcess = 2
    OutOfProcess = 3
    Service = 4


class cacheMode(StrictEnum):
    Automatic = 0
    AlwaysRead = 1
    AlwaysWrite = 2
    AutomaticIgnore = 3


class cloneMode(StrictEnum):
    Default = 0
    Always = 1
    Never = 2


class generationType(StrictEnum):
    StaticGenerate = 0
    Static = 0
    StaticRegenerate = 1
    Regenerate = 1
    DynamicGenerate = 2
    Dynamic = 2
    DynamicRegenerate = 3


class generateWhen(StrictEnum):
    EachUpstreamCooked = 0
    AllUpstreamGenerated = 1
    Automatic = 2
    AllUpstreamCooked = 3


class result(StrictEnum):
    Success = 0
    Failure = 1


class nodeType(StrictEnum):
    Processor = 0
    Partitioner = 1
    Mapper = 2


class EventType(StrictEnum):
    WorkItemAdd = 1
    WorkItemAddList = 2
    WorkItemRemove = 3
    WorkItemStateChange = 5
    WorkItemCookPercentUpdate = 6
    CookError = 12
    CookWarning = 13
    CookComplete = 14
    NodeGenerated = 25
    NodeCooked = 26
    WorkItemOutputFiles = 35
    WorkItemResult = 35
    CookStart = 38
    All = 43
