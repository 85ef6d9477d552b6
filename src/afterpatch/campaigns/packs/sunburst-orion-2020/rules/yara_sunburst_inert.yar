rule Afterpatch_SUNBURST_Test_Build {
    meta:
        id = "46774631-6cac-5d44-8091-c0ec04b5e131"
        title = "Library of Orion with the attacker's class and no backdoor"
        stage = "carrier"
        weak = "true"
        level = "medium"
        finds = "The class name without the backdoor's constants: the test builds of October 2019."
        misses = "A backdoor with other constants looks the same."
        reference = "https://github.com/ITAYC0HEN/SUNBURST-Cracked"
        author = "Afterpatch"
        date = "2026-11-25"
    strings:
        $class = "OrionImprovementBusinessLayer" fullword
        $packed0 = "K8gwSs1MyzfOMy0tSTfMskixNCksKkvKzTYoTswxN0sGAA==" wide
        $packed1 = "Kyo0Ti9OzCkxKzXMrEyryi8wNTdKMbFMyquwSC7LzU4tz8gCAA==" wide
        $packed2 = "C87PSSwKz8xLKfYvyszP88wtKMovS81NzStxzskEkvoA" wide
    condition:
        uint16(0) == 0x5A4D and $class and none of ($packed*)
}
