using System.Collections.Immutable;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

/// <summary>A request of ours that waits for its answer. Its datagrams are built once, and resent as they are.</summary>
sealed record Question(MessageId Id, ExchangeType Exchange, ImmutableArray<Blob> Messages)
{
    /// <summary>How often it has been sent again.</summary>
    public required int Resent { get; init; }

    /// <summary>How often it was answered in clear by INVALID_IKE_SPI, once for each time that it was sent.</summary>
    public int Denials { get; init; }

    /// <summary>The sending that was answered so last, by how often it had been sent again then.</summary>
    public int? Denied { get; init; }

    /// <summary>Sent three times, it got nothing but that: the peer has lost the IKE SA, as far as one can tell.</summary>
    public bool IsDisowned => Denials >= 3;

    /// <summary>Writes the same message once more, in pieces of the size that fits by now; null where it has other reasons to be in pieces.</summary>
    public required Func<ImmutableArray<Blob>>? Rewrite { get; init; }

    /// <summary>When it is sent again, or given up.</summary>
    public required Instant Next { get; init; }
}

/// <summary>The peer's last request, by its octets (of the first fragment), and what we answered.</summary>
sealed record Remembered(MessageId Id, Blob Request, ImmutableArray<Blob> Messages, Func<ImmutableArray<Blob>> Rewrite)
{
    /// <summary>How often the request came again.</summary>
    public int Repetitions { get; init; }
}

/// <summary>What a request is, by its message ID.</summary>
enum Arrival
{
    /// <summary>The next one.</summary>
    New,

    /// <summary>The last one again, octet for octet: its answer was lost, or is on its way.</summary>
    Repeated,

    /// <summary>Older, too far ahead, or another message under the last ID.</summary>
    OutOfWindow,
}

/// <summary>
/// The window of one (RFC 7296 sections 2.1 to 2.3): one question out, one answer remembered. Message IDs count up from 0 on each side.
/// </summary>
sealed class Window
{
    MessageId _nextOut, _nextIn;

    public Question? Asked { get; private set; }
    public Remembered? Answered { get; private set; }

    public MessageId NextOut => _nextOut;

    public void Ask(ExchangeType exchange, ImmutableArray<Blob> messages, Instant next, Func<ImmutableArray<Blob>>? rewrite)
    {
        Asked = new Question(_nextOut, exchange, messages) { Resent = 0, Next = next, Rewrite = rewrite };
        _nextOut = _nextOut.Next;
    }

    /// <summary>IKE_SA_INIT once more, with what the peer asked for: under the same message ID (section 2.6).</summary>
    public void AskAgain(ImmutableArray<Blob> messages, Instant next) =>
        Asked = Asked! with { Messages = messages, Resent = 0, Next = next };

    public void Resent(Instant next) => Asked = Asked! with { Resent = Asked.Resent + 1, Next = next };

    /// <summary>As if it had just been asked.</summary>
    public void AskAnew(Instant next) => Asked = Asked! with { Resent = 0, Denials = 0, Denied = null, Next = next };

    /// <summary>
    /// Somebody who knows our SPIs and the message ID says that the peer knows nothing of it. It proves nothing, but makes us ask again, soon.
    /// </summary>
    public void Denied(Instant soon)
    {
        if (Asked is { } asked && asked.Denied != asked.Resent)
            Asked = asked with { Denials = asked.Denials + 1, Denied = asked.Resent, Next = asked.Next < soon ? asked.Next : soon };
    }

    /// <summary>The question in smaller pieces (RFC 7383 section 2.5.2).</summary>
    public void RewriteQuestion() => Asked = Asked! with { Messages = Asked.Rewrite!() };

    /// <summary>The last request has come again: so often by now.</summary>
    public int Repeated()
    {
        Answered = Answered! with { Repetitions = Answered.Repetitions + 1 };
        return Answered.Repetitions;
    }

    /// <summary>The answer in smaller pieces; and the request, where it came so too.</summary>
    public void RewriteAnswer(Blob? request = null) => Answered = Answered! with { Request = request ?? Answered.Request, Messages = Answered.Rewrite() };

    public void Conclude() => Asked = null;

    public bool IsAwaited(IkeMessage response) => Asked is { } asked && asked.Id == response.Id && asked.Exchange == response.Exchange;

    public Arrival Recognise(MessageId id, ReadOnlySpan<byte> request) =>
        id == _nextIn ? Arrival.New
        : Answered is { } last && last.Id == id && last.Request.Span.SequenceEqual(request) ? Arrival.Repeated
        : Arrival.OutOfWindow;

    public void Remember(Blob request, ImmutableArray<Blob> messages, Func<ImmutableArray<Blob>> rewrite)
    {
        Answered = new Remembered(_nextIn, request, messages, rewrite);
        _nextIn = _nextIn.Next;
    }
}
