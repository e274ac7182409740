namespace Kuguru.Ike;

/// <summary>One call of a session of either IKE version: when it is, whose it is, and where its effects go.</summary>
abstract class SessionTurn(IkeSession session, INode node, Instant now, Outbox outbox, Path arrived)
{
    public IkeSession Session { get; } = session;
    public INode Node { get; } = node;
    public Instant Now { get; } = now;
    public Outbox Outbox { get; } = outbox;

    /// <summary>Where the message came along that this turn is about; the SA's own path where there is none.</summary>
    public Path Arrived { get; } = arrived;

    public IkeSettings Settings => Node.Settings;

    public void Add(Effect effect) => Outbox.Add(effect);

    public void Report(Event @event) =>
        Outbox.Report(@event with { Sa = new SaName(Session.UniqueId, Session.Name) });

    public void Note(Severity severity, Subject subject, string text) => Report(new Event.Note(severity, subject, text));

    /// <summary>Warns of each weak algorithm by name, when it is used for the first time.</summary>
    public void NoteWeak(IEnumerable<string> algorithms)
    {
        foreach (var name in algorithms.Where(Node.IsFirstUse))
            Note(Severity.Warning, Subject.Ike, $"using {name} with {Arrived.Remote.Address}: it is weak, and only there because a proposal names it; "
                + "take it out as soon as the peer has something better");
    }

    /// <summary>An order is done; nobody waits for token 0.</summary>
    public void Done(ulong token, Failure? failure = null)
    {
        if (token != 0)
            Report(new Event.OrderDone(token, failure));
    }

    /// <summary>Says why something failed, once in the log and to each of those who wait for it.</summary>
    public void Fail(Failure failure, params IEnumerable<ulong> tokens)
    {
        Report(new Event.Failed(failure));
        foreach (var token in tokens)
            Done(token, failure);
    }
}
