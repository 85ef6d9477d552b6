rule Afterpatch_Small_Script_Page_Runs_Input {
    meta:
        id = "3aa17582-ef26-4338-9f36-d4eba8d341d1"
        title = "Small page runs what the visitor sends"
        stage = "file-written"
        weak = "false"
        level = "critical"
        finds = "A small server page that evaluates a request value, or starts a program from one."
        misses = "Large or disguised shells; compare unknown pages by hash and read them."
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa21-062a"
        author = "Afterpatch"
        date = "2026-11-24"
    strings:
        $page1 = /\x3c%@? ?(page|webhandler|webservice)?/ nocase
        $page2 = /run\x61t ?= ?"?server/ nocase
        $evaluate = /ev\x61l ?\((\/\*[^*]{0,40}\*\/)?.{0,80}Req\x75est/ nocase
        $start1 = "Process\x2eStart" nocase
        $start2 = "ProcessSt\x61rtInfo" nocase
        $shell = /cmd(\.exe)?"|power\x73hell/ nocase
        $request = /Req\x75est(\.(Form|Item|QueryString|Params|Headers|Cookies))?[\[\(]/ nocase
    condition:
        filesize < 20KB and 1 of ($page*) and ($evaluate or (1 of ($start*) and $shell and $request))
}
