rule Afterpatch_Crash_Report_Of_Unified_Messaging {
    meta:
        id = "f6e86104-c16e-4d14-9f07-2c3dd82e6e37"
        title = "Crash report of Unified Messaging"
        stage = "attempted"
        weak = "true"
        level = "low"
        finds = "A report of Windows Error Reporting about UMWorkerProcess.exe: after the fix, an attempt at CVE-2021-26857 ends this way."
        misses = "The reason of the crash."
        reference = "https://github.com/Neo23x0/signature-base/blob/master/yara/apt_hafnium.yar"
        author = "Afterpatch"
        date = "2026-11-24"
    strings:
        $report = "EventType=" wide
        $process = "UMWorkerProcess.exe" wide nocase
    condition:
        filesize < 2MB and $report and $process
}
