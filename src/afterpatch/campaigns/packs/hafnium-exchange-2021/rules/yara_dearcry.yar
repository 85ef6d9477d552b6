rule Afterpatch_DearCry_Encrypted_File {
    meta:
        id = "1e232b4b-e030-4ad1-b869-9c8ca49123de"
        title = "File encrypted by DearCry"
        stage = "follow-up"
        weak = "false"
        level = "critical"
        finds = "The mark that DearCry puts at the start of every file it encrypts."
        misses = "Other ransomware."
        reference = "https://www.cisa.gov/news-events/cybersecurity-advisories/aa21-062a"
        author = "Afterpatch"
        date = "2026-11-24"
    strings:
        $mark = { 44 45 41 52 43 52 59 21 }
    condition:
        $mark at 0
}
