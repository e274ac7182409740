using System.Collections.Immutable;

namespace Kuguru.Ike;

/// <summary>Under which addresses the peer of a new child is seen, asked of the node and told in the log.</summary>
static class Placing
{
    /// <summary>For who asks us, and is refused when it needs stand-ins and there are none.</summary>
    public static StandInAnswer Ask(SessionTurn t, StandInRequest request)
    {
        var answer = t.Node.StandInsFor(request);
        if (answer.WhyNot is null && !answer.StandIns.IsEmpty && request.Replaces is null)
            t.Note(Severity.Info, Subject.Child, $"{request.Peer} is seen under other addresses here: {string.Join(", ", answer.StandIns)}");
        return answer;
    }

    /// <summary>For who was asked and has agreed already: the peer keeps the addresses that it has, and that is said.</summary>
    public static ImmutableArray<StandIn> Insist(SessionTurn t, StandInRequest request)
    {
        var answer = Ask(t, request);
        if (answer.WhyNot is { } why)
            t.Note(Severity.Warning, Subject.Child, $"{why}; until then the newest of the two gets the packets");
        return answer.StandIns;
    }
}
