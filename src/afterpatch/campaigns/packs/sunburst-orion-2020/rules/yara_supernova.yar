rule Afterpatch_SUPERNOVA {
    meta:
        id = "f5931488-0f56-52c5-86fb-464e161d9a43"
        title = "SUPERNOVA web shell"
        stage = "supernova"
        weak = "false"
        level = "critical"
        finds = "The four parameters of the web shell in a library made of the logo page."
        misses = "A web shell that names its parameters otherwise."
        reference = "https://github.com/ITAYC0HEN/SUNBURST-Cracked"
        author = "Afterpatch"
        date = "2026-11-25"
    strings:
        $page = "LogoImageHandler"
        $p0 = "codes" wide
        $p1 = "clazz" wide
        $p2 = "method" wide
        $p3 = "args" wide
    condition:
        uint16(0) == 0x5A4D and $page and all of ($p*)
}
