using Kuguru.Nat;

namespace Kuguru.Ike.V2;

/// <summary>One call of a session: when it is, whose it is, and where its effects go.</summary>
sealed class Turn(IkeV2Session sa, Instant now, Outbox outbox, Path arrived)
{
    public IkeV2Session Sa { get; } = sa;
    public Instant Now { get; } = now;
    public Outbox Outbox { get; } = outbox;

    /// <summary>Where the message came along that this turn is about; the SA's own path where there is none.</summary>
    public Path Arrived { get; } = arrived;
    public INode Node => Sa.Node;
    public IkeSettings Settings => Sa.Node.Settings;

    public void Add(Effect effect) => Outbox.Add(effect);

    public void Report(Event @event) => Outbox.Report(@event with { Sa = new SaName(Sa.UniqueId, Sa.Name) });

    public void Note(Severity severity, Subject subject, string text) => Report(new Event.Note(severity, subject, text));

    /// <summary>One IKE message goes out, with the marker where the port asks for it.</summary>
    public void Transmit(Path path, Blob message)
    {
        Add(new Effect.Transmit(path, NonEspMarker.Frame(message, path, Settings.NatPort)));
        Sa.LastSent = Now;
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
