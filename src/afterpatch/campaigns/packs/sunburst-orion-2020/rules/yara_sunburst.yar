rule Afterpatch_SUNBURST_Carrier {
    meta:
        id = "bb76ad50-4532-54a5-99d7-922fc120d6cc"
        title = "Library of Orion that carries SUNBURST"
        stage = "carrier"
        weak = "false"
        level = "critical"
        finds = "The class of the backdoor together with its packed alphabets and User-Agent."
        misses = "A library packed or encrypted as a whole."
        reference = "https://github.com/ITAYC0HEN/SUNBURST-Cracked"
        author = "Afterpatch"
        date = "2026-11-25"
    strings:
        $class = "OrionImprovementBusinessLayer" fullword
        $packed0 = "K8gwSs1MyzfOMy0tSTfMskixNCksKkvKzTYoTswxN0sGAA==" wide
        $packed1 = "Kyo0Ti9OzCkxKzXMrEyryi8wNTdKMbFMyquwSC7LzU4tz8gCAA==" wide
        $packed2 = "C87PSSwKz8xLKfYvyszP88wtKMovS81NzStxzskEkvoA" wide
    condition:
        uint16(0) == 0x5A4D and $class and 2 of ($packed*)
}
