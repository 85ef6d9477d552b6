"""Every published Exchange 2013, 2016, 2019 and Subscription Edition build: data only.

Sources, facts only (build numbers, names, dates, KB numbers):
  [HC]  microsoft/CSS-Exchange, Shared/Get-ExchangeBuildVersionInformation.ps1, commit 01bad118:
        the builds HealthChecker knows, up to Sep26SUv2.
  [BP]  Microsoft's "Exchange Server build numbers and release dates" and the community page beside
        it, as stored in righel/ms-exchange-version-nse, ms-exchange-versions-dict.json, commit
        0098d07c: up to Feb26SU, with KB numbers and the builds of 2013-2018 that [HC] left out.
  [CVE] CVEProject/cvelistV5, the records named in CONFLICTS.
The table is the union of [HC] and [BP]; days of CUs and KB numbers are those of [BP].

Format: ``branch | product and level | day of release | revision [update [KB]], ...``. An update's
month is in its name (``Mar21SU`` = March 2021). ``?`` marks a build that only one of two
disagreeing sources has; see CONFLICTS.
"""

from dataclasses import dataclass
from typing import Final

KNOWN_UNTIL: Final = "September 2026"

TABLE: Final = """
15.0.516  | 2013 RTM  | 2012-12-03 | 32
15.0.620  | 2013 CU1  | 2013-04-02 | 29, 34 Aug13SU 2874216
15.0.712  | 2013 CU2  | 2013-07-09 | 24, 28 Aug13SU 2874216, 31 Dec13SU 2880833
15.0.775  | 2013 CU3  | 2013-11-25 | 38, 41 Dec13SU 2880833
15.0.847  | 2013 SP1  | 2014-02-25 | 32, 50 Sep16SU 3184736, 53 Mar17SU 4013242, 55 Jul17SU 4018588,
          62 May18SU 4092041, 64 Mar21SU 5000871
15.0.913  | 2013 CU5  | 2014-05-27 | 22
15.0.995  | 2013 CU6  | 2014-08-26 | 29
15.0.1044 | 2013 CU7  | 2014-12-09 | 25
15.0.1076 | 2013 CU8  | 2015-03-17 | 9
15.0.1104 | 2013 CU9  | 2015-06-17 | 5
15.0.1130 | 2013 CU10 | 2015-09-15 | 7
15.0.1156 | 2013 CU11 | 2015-12-15 | 6
15.0.1178 | 2013 CU12 | 2016-03-15 | 4, 9 Sep16SU 3184736
15.0.1210 | 2013 CU13 | 2016-06-21 | 3, 6 Sep16SU 3184736
15.0.1236 | 2013 CU14 | 2016-09-20 | 3, 6 Mar17SU 4013242
15.0.1263 | 2013 CU15 | 2016-12-13 | 5
15.0.1293 | 2013 CU16 | 2017-03-21 | 2, 4 Jul17SU 4018588
15.0.1320 | 2013 CU17 | 2017-06-27 | 4, 7 Dec17SU 4045655
15.0.1347 | 2013 CU18 | 2017-09-19 | 2, 3 Dec17SU 4045655, 5 Mar18SU
15.0.1365 | 2013 CU19 | 2017-12-19 | 1, 3 Mar18SU, 7 May18SU 4092041
15.0.1367 | 2013 CU20 | 2018-03-20 | 3, 6 May18SU 4092041, 9 Aug18SU 4340731
15.0.1395 | 2013 CU21 | 2018-06-19 | 4, 7 Aug18SU 4340731, 8 Oct18SU, 10 Jan19SU 4471389,
          12 Mar21SU 5000871
15.0.1473 | 2013 CU22 | 2019-02-12 | 3, 4 Apr19SU, 5 Jun19SU 4503028, 6 Mar21SU 5000871
15.0.1497 | 2013 CU23 | 2019-06-18 | 2, 3 Jul19SU 4509409, 4 Nov19SU 4523171, 6 Feb20SU 4536988,
          7 Oct20SU 4581424, 8 Nov20SU 4588741, 10 Dec20SU 4593466, 12 Mar21SU 5000871,
          15 Apr21SU 5001779, 18 May21SU 5003435, 23 Jul21SU 5004778, 24 Oct21SU 5007011,
          26 Nov21SU 5007409, 28 Jan22SU 5008631, 33 Mar22SU 5010324, 36 May22SU 5014260,
          40 Aug22SU 5015321, 42 Oct22SU 5019076, 44 Nov22SU 5019758, 45 Jan23SU 5022188,
          47 Feb23SU 5023038, 48 Mar23SU 5024296

15.1.225  | 2016 RTM  | 2015-10-01 | 16 Preview, 17? Preview, 42
15.1.396  | 2016 CU1  | 2016-03-15 | 30, 37 Sep16SU 3184736
15.1.466  | 2016 CU2  | 2016-06-21 | 34, 37 Sep16SU 3184736
15.1.544  | 2016 CU3  | 2016-09-20 | 27, 30 Mar17SU 4013242
15.1.669  | 2016 CU4  | 2016-12-13 | 32
15.1.845  | 2016 CU5  | 2017-03-21 | 34, 36 Jul17SU 4018588
15.1.1034 | 2016 CU6  | 2017-06-27 | 26, 33 Dec17SU 4045655
15.1.1261 | 2016 CU7  | 2017-09-19 | 35, 37 Dec17SU 4045655, 39 Mar18SU
15.1.1415 | 2016 CU8  | 2017-12-19 | 2, 4 Mar18SU, 7 May18SU 4092041, 8? Mar21SU 5000871,
          10 Mar21SU 5000871
15.1.1466 | 2016 CU9  | 2018-03-20 | 3, 8 May18SU 4092041, 9? Aug18SU 4340731, 10 Aug18SU 4340731,
          13? Mar21SU 5000871, 16 Mar21SU 5000871
15.1.1531 | 2016 CU10 | 2018-06-19 | 3, 6 Aug18SU 4340731, 8 Dec18SU 4468741, 10 Jan19SU 4471389,
          12 Mar21SU 5000871
15.1.1591 | 2016 CU11 | 2018-10-16 | 10, 11 Dec18SU 4468741, 13 Jan19SU 4471389, 16 Apr19SU,
          17 Jun19SU 4503027, 18 Mar21SU 5000871
15.1.1713 | 2016 CU12 | 2019-02-12 | 5, 6 Apr19SU, 7 Jun19SU 4503027, 8 Jul19SU 4509409,
          9 Sep19SU 4515832, 10 Mar21SU 5000871
15.1.1779 | 2016 CU13 | 2019-06-18 | 2, 4 Jul19SU 4509409, 5 Sep19SU 4515832, 7 Nov19SU 4523171,
          8 Mar21SU 5000871
15.1.1847 | 2016 CU14 | 2019-09-17 | 3, 5 Nov19SU 4523171, 7 Feb20SU 4536987, 10 Mar20SU,
          12 Mar21SU 5000871
15.1.1913 | 2016 CU15 | 2019-12-17 | 5, 7 Feb20SU 4536987, 10 Mar20SU, 12 Mar21SU 5000871
15.1.1979 | 2016 CU16 | 2020-03-17 | 3, 6 Sep20SU 4577352, 8 Mar21SU 5000871
15.1.2044 | 2016 CU17 | 2020-06-16 | 4, 6 Sep20SU 4577352, 7 Oct20SU 4581424, 8 Nov20SU 4588741,
          12 Dec20SU 4593465, 13 Mar21SU 5000871
15.1.2106 | 2016 CU18 | 2020-09-15 | 2, 3 Oct20SU 4581424, 4 Nov20SU 4588741, 6 Dec20SU 4593465,
          8 Feb21SU 4602269, 13 Mar21SU 5000871
15.1.2176 | 2016 CU19 | 2020-12-15 | 2, 4 Feb21SU 4602269, 9 Mar21SU 5000871, 12 Apr21SU 5001779,
          14 May21SU 5003435
15.1.2242 | 2016 CU20 | 2021-03-16 | 4, 8 Apr21SU 5001779, 10 May21SU 5003435, 12 Jul21SU 5004779
15.1.2308 | 2016 CU21 | 2021-06-29 | 8, 14 Jul21SU 5004779, 15 Oct21SU 5007012, 20 Nov21SU 5007409,
          21 Jan22SU 5008631, 27 Mar22SU 5012698
15.1.2375 | 2016 CU22 | 2021-09-28 | 7, 12 Oct21SU 5007012, 17 Nov21SU 5007409, 18 Jan22SU 5008631,
          24 Mar22SU 5012698, 28 May22SU 5014261, 31 Aug22SU 5015322, 32 Oct22SU 5019077,
          37 Nov22SU 5019758
15.1.2507 | 2016 CU23 | 2022-04-20 | 6, 9 May22SU 5014261, 12 Aug22SU 5015322, 13 Oct22SU 5019077,
          16 Nov22SU 5019758, 17 Jan23SU 5022143, 21 Feb23SU 5023038, 23 Mar23SU 5024296,
          27 Jun23SU 5025903, 31 Aug23SU 5029388, 32 Aug23SUv2 5030524, 34 Oct23SU 5030877,
          35 Nov23SU 5032147, 37 Mar24SU 5036386, 39 Apr24HU 5037224, 43 Nov24SU 5044062,
          44 Nov24SUv2 5049233, 55 Apr25HU 5050674, 57 May25HU 5057653, 58 Aug25SU 5063223,
          59 Sep25HU 5066370, 61 Oct25SU 5066369, 63 Dec25SU 5071873, 66 Feb26SU 5074995,
          69 Jun26SU, 71 Jul26SU, 72 Aug26SU, 73 Sep26SU, 75 Sep26SUv2

15.2.191  | 2019 Preview | 2018-07-01 | 1?
15.2.196  | 2019 Preview | 2018-07-24 | 0
15.2.221  | 2019 RTM  | 2018-10-22 | 12, 14 Jan19SU 4471389, 17 Jun19SU 4503027, 18 Mar21SU 5000871
15.2.330  | 2019 CU1  | 2019-02-12 | 5, 7 Apr19SU, 8 Jun19SU 4503027, 9 Jul19SU 4509408,
          10 Sep19SU 4515832, 11 Mar21SU 5000871
15.2.397  | 2019 CU2  | 2019-06-18 | 3, 5 Jul19SU 4509408, 6 Sep19SU 4515832, 9 Nov19SU 4523171,
          11 Mar21SU 5000871
15.2.464  | 2019 CU3  | 2019-09-17 | 5, 7 Nov19SU 4523171, 11 Feb20SU 4536987, 14 Mar20SU,
          15 Mar21SU 5000871
15.2.529  | 2019 CU4  | 2019-12-17 | 5, 8 Feb20SU 4536987, 11 Mar20SU, 13 Mar21SU 5000871
15.2.595  | 2019 CU5  | 2020-03-17 | 3, 6 Sep20SU 4577352, 8 Mar21SU 5000871
15.2.659  | 2019 CU6  | 2020-06-16 | 4, 6 Sep20SU 4577352, 7 Oct20SU 4581424, 8 Nov20SU 4588741,
          11 Dec20SU 4593465, 12 Mar21SU 5000871
15.2.721  | 2019 CU7  | 2020-09-15 | 2, 3 Oct20SU 4581424, 4 Nov20SU 4588741, 6 Dec20SU 4593465,
          8 Feb21SU 4602269, 13 Mar21SU 5000871
15.2.792  | 2019 CU8  | 2020-12-15 | 3, 5 Feb21SU 4602269, 10 Mar21SU 5000871, 13 Apr21SU 5001779,
          15 May21SU 5003435
15.2.858  | 2019 CU9  | 2021-03-16 | 2?, 5, 10 Apr21SU 5001779, 12 May21SU 5003435,
          15 Jul21SU 5004780
15.2.922  | 2019 CU10 | 2021-06-29 | 7, 13 Jul21SU 5004780, 14 Oct21SU 5007012, 19 Nov21SU 5007409,
          20 Jan22SU 5008631, 27 Mar22SU 5012698
15.2.986  | 2019 CU11 | 2021-09-28 | 5, 9 Oct21SU 5007012, 14 Nov21SU 5007409, 15 Jan22SU 5008631,
          22 Mar22SU 5012698, 26 May22SU 5014261, 29 Aug22SU 5015322, 30 Oct22SU 5019077,
          36 Nov22SU 5019758, 37 Jan23SU 5022193, 41 Feb23SU 5023038, 42 Mar23SU 5024296
15.2.1118 | 2019 CU12 | 2022-04-20 | 7, 9 May22SU 5014261, 12 Aug22SU 5015322, 15 Oct22SU 5019077,
          20 Nov22SU 5019758, 21 Jan23SU 5022193, 25 Feb23SU 5023038, 26 Mar23SU 5024296,
          30 Jun23SU 5026261, 36 Aug23SU 5029388, 37 Aug23SUv2 5030524, 39 Oct23SU 5030877,
          40 Nov23SU 5032146
15.2.1258 | 2019 CU13 | 2023-05-03 | 12, 16 Jun23SU 5026261, 23 Aug23SU 5029388,
          25 Aug23SUv2 5030524, 27 Oct23SU 5030877, 28 Nov23SU 5032146, 32 Mar24SU 5036402,
          34 Apr24HU 5037224, 38 Nov24SU 5044062, 39 Nov24SUv2 5049233
15.2.1544 | 2019 CU14 | 2024-02-13 | 4, 9 Mar24SU 5036401, 11 Apr24HU 5037224, 13 Nov24SU 5044062,
          14 Nov24SUv2 5049233, 25 Apr25HU 5050673, 27 May25HU 5057652, 33 Aug25SU 5063222,
          34 Sep25HU 5066371, 36 Oct25SU 5066368, 37 Dec25SU 5071874, 39 Feb26SU 5074994,
          41 Jun26SU, 43 Jul26SU, 44 Aug26SU, 46 Sep26SU, 48 Sep26SUv2
15.2.1748 | 2019 CU15 | 2025-02-10 | 10, 24 Apr25HU 5050672, 26 May25HU 5057651, 36 Aug25SU 5063221,
          37 Sep25HU 5066372, 39 Oct25SU 5066367, 42 Dec25SU 5071875, 43 Feb26SU 5074993,
          46 Jun26SU, 48 Jul26SU, 49 Aug26SU, 51 Sep26SU, 53 Sep26SUv2
15.2.2562 | SE RTM    | 2025-07-01 | 17, 20 Aug25SU 5063224, 27 Sep25HU 5066373, 29 Oct25SU 5066366,
          35 Dec25SU 5071876, 37 Feb26SU 5074992, 41 May26HU, 43 Jun26SU, 45 Jul26SU, 46 Aug26SU,
          49 Sep26SU, 53 Sep26SUv2
"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Public sources disagree about a build.

    branch   first three parts of the build in question.
    claims   (source, what it says).
    taken    what this table takes, and why.
    between  revisions ``[low, high)`` whose answer the disagreement changes; None = no answer.
    """

    branch: tuple[int, int, int]
    claims: tuple[tuple[str, str], ...]
    taken: str
    between: tuple[int, int] | None = None


CONFLICTS: Final[tuple[Conflict, ...]] = (
    Conflict(
        (15, 1, 1415),
        (
            ("HealthChecker", "Mar21SU is 15.1.1415.8"),
            ("Microsoft build page and CVE-2021-26858", "Mar21SU is 15.1.1415.10"),
        ),
        "the higher, .10: a lower bound that is too low would call an affected server fixed",
        (8, 10),
    ),
    Conflict(
        (15, 1, 1466),
        (
            ("HealthChecker", "Mar21SU is 15.1.1466.13"),
            ("Microsoft build page and CVE-2021-26858", "Mar21SU is 15.1.1466.16"),
        ),
        "the higher, .16: a lower bound that is too low would call an affected server fixed",
        (13, 16),
    ),
    Conflict(
        (15, 1, 1466),
        (("HealthChecker", "Aug18SU is 15.1.1466.9"), ("build page", "it is 15.1.1466.10")),
        "both are listed; either is before March 2021",
    ),
    Conflict(
        (15, 2, 529),
        (
            ("CVE-2021-26858", "2019 CU4 is fixed from 15.02.0659.012"),
            ("HealthChecker and build page", "from 15.2.529.13"),
        ),
        "15.2.529.13: the record swaps CU4 and CU6",
    ),
    Conflict(
        (15, 2, 659),
        (
            ("CVE-2021-26858", "2019 CU6 is fixed from 15.02.0529.013"),
            ("HealthChecker and build page", "from 15.2.659.12"),
        ),
        "15.2.659.12: the record swaps CU4 and CU6",
    ),
    Conflict(
        (15, 2, 330),
        (
            ("CVE-2021-26858", "2019 CU1 is fixed from 15.01.1979.006, a build of Exchange 2016"),
            ("HealthChecker and build page", "from 15.2.330.11"),
        ),
        "15.2.330.11",
    ),
    Conflict(
        (15, 2, 922),
        (
            ("CVE-2021-42321", "2019 CU10 is fixed from 15.02.0792.019, a build of CU8"),
            ("HealthChecker and build page", "Nov21SU is 15.2.922.19"),
        ),
        "15.2.922.19",
    ),
    Conflict(
        (15, 2, 858),
        (("build page", "CU9 is 15.2.858.5"), ("community page", "CU9 is 15.2.858.2")),
        "15.2.858.5 as the release; .2 is kept as an unconfirmed build",
    ),
    Conflict(
        (15, 1, 1531),
        (
            ("HealthChecker", "15.1.1531.8 is Oct18SU"),
            ("community page", "it is KB4468741, December 2018"),
        ),
        "December 2018, the KB's month; either is before March 2021",
    ),
    Conflict(
        (15, 1, 225),
        (("build page", "the preview is 15.1.225.16"), ("community page", "it is 15.1.225.17")),
        "both are listed",
    ),
    Conflict(
        (15, 2, 191),
        (("build page", "the preview is 15.2.196.0"), ("community page", "it is 15.2.191.1")),
        "both are listed",
    ),
)
