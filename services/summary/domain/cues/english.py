"""English words for decisions, actions, questions and topics. Data only."""

from services.summary.domain.cues.model import Cues, words_in

ENGLISH = Cues(
    decisions=(
        (
            r"\b(?:we|they|the team|the board|everyone)(?:'ve| have| had)? (?:all |also |now "
            r"|finally |just )?(?:decided|agreed|settled|chose|chosen|resolved)\b"
        ),
        r"\bi(?:'ve| have)? (?:also |now |finally )?decided\b",
        r"\b(?:the|our|my|final) decision (?:is|was|has been)\b",
        r"\bwe(?:'re| are) going (?:with|for|ahead)\b",
        r"\bwe(?:'ll| will) (?:go|stick|stay|proceed) with\b",
        r"\blet's (?:go|stick) with\b",
        (
            r"\b(?:it|that|this) (?:is|was|has been)(?: now)? (?:decided|agreed|approved|"
            r"settled)\b"
        ),
        (
            r"\b(?:has|have) been (?:decided|agreed|approved|cancelled|canceled|postponed|"
            r"rejected)\b"
        ),
    ),
    undecided=(
        r"\b(?:not|never|whether|if|unless|should|would|could|must|need to|have to|yet to|"
        r"until)\b|n't\b|\b(?:have|did|do) (?:we|they|you)\b"
    ),
    named_actions=(
        (
            "{name},? (?:will|is going to|needs to|has to|is to|should|must|has agreed to|"
            "agreed to|promised to|offered to|takes care of|will take care of|takes over|is "
            r"taking over)\b"
        ),
        r"{name},? (?:can|could|would|will) you\b",
        r"{name},? please\b",
        r"\b(?:can|could|should) {name} \w+",
        r"\bi(?:'ve| have)? asked {name} to\b",
        r"\b(?:assigned to|owner is|up to) {name}",
    ),
    own_actions=(
        (r"\b(i)(?:'ll| will| am going to|'m going to| need to| have to| must)\b", "I"),
        (r"\b(i)(?:'ll| will)? (?:take care of|take over)\b", "I"),
        (r"\b(?:can|could|would|will) (you)(?: please)? \w+", "you"),
        (r"\b(you)(?:'ll| will)? (?:need to|have to|must)\b", "you"),
        (r"\b(we) (?:need to|have to|must|should)\b", "we"),
    ),
    denied=r"(?: \w+)? (?:not(?! only\b| forget\b)|never)\b",
    everybody=words_in("we you"),
    small_talk=(
        r"(?: \w+){0,2}? (?:say|be|talk|tell|explain|show|share|start|begin|admit|guess|walk|"
        "go over|skip|come back|stop|mention|give you|cover|present|speak|keep (?:it|this)|"
        r"try to keep|add that|wonder|think|know|see|remember)\b"
    ),
    questions=(
        r"\b(?:the|an|one|my|another) (?:open )?question (?:is|remains|was)\b",
        r"\bopen question",
        r"\b(?:i|we) wonder\b",
        r"\b(?:it is|it's|is) (?:still |not yet )?(?:unclear|open|not clear|undecided)\b",
        (
            r"\b(?:i|we) (?:do not|don't) (?:yet )?know (?:yet )?(?:if|whether|who|when|how|"
            r"what|where|why)\b"
        ),
    ),
    tags=(
        "(?:right|okay|ok|yeah|you know|see|huh|how are you(?: doing)?(?: today)?|isn't it|"
        r"don't you think)\?$"
    ),
    topics=(
        (
            r"\b(?:today|now)?,? ?(?:i|we)(?:'d| would|'ll| will|'m going to| am going to)? "
            "(?:want to |like to )?(?:talk|speak) (?:to you )?(?:about|on) (.+)"
        ),
        (
            r"\b(?:this is|here is|here's|just) (?:a|an|my|the|our) (?:\w+ ){0,2}(?:update|"
            "report|summary|overview) (?:on|about|of|for) (.+)"
        ),
        r"\b(?:an|a quick|a short|my|the) update (?:on|about|for) (.+)",
        r"\b(?:this|today's) (?:update|message|video|recording) is about (.+)",
        r"\bit(?:'s| is) about (.+)",
    ),
    turns=(
        "^(?:okay|ok|so|now|and|alright|right)?,? ?(?:next|moving on|let's move|now to|"
        "turning to|the next|another (?:topic|thing|point)|second|third|finally|last(?:ly)?|"
        r"as for|regarding)\b"
    ),
    fillers=(
        "^(?:(?:so|well|okay|ok|yeah|yes|um|uh|and|but|now|right|alright|(?:hi|hello|hey|"
        "good morning|good afternoon)(?:,? (?:everyone|everybody|all|team|there|folks|"
        r"guys))?|you know|i mean|actually|basically|anyway)\b[,.!]? *)+"
    ),
    stop_words=words_in(
        """
        a about above after again all also am an and any are aren't as at be because been before
        being but by can can't could did do does doing don't down during each else every few for
        from further get go going got had has have having he her here hers him his how i i'd
        i'll i'm i've if in into is isn't it it's its just kind know let let's like make many
        maybe me mean more most much must my need no nor not now of off oh okay on one only or
        other our out over own quite really right said same say see she should so some something
        still such sure than that that's the their them then there there's these they they're
        thing things think this those through to too uh um under until up us very want was we
        we'll we're we've well were what when where which while who whom why will with would
        yeah yes you you're your
        """
    ),
)
