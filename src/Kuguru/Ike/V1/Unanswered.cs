using System.Collections.Immutable;
using System.Security.Cryptography;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

/// <summary>A message of ours that waits for the next one of its exchange. Its datagrams are built once, and resent as they are.</summary>
sealed record Question(MessageId Id, ExchangeKind Exchange, ImmutableArray<Blob> Messages, int Resent, Instant Next);

/// <summary>
/// What waits for an answer: any number of exchanges may be open at once (RFC 2409 section 5.5), each with one message of ours that is the last. Messages of
/// phase 1 have the ID 0.
/// </summary>
sealed class Unanswered
{
    readonly List<Question> _questions = [];

    public Instant? Deadline => _questions.Count == 0 ? null : _questions.Min(question => question.Next);

    public void Add(Question question)
    {
        Conclude(question.Id);
        _questions.Add(question);
    }

    public Question? Find(MessageId id) => _questions.Find(question => question.Id == id);

    public void Conclude(MessageId id) => _questions.RemoveAll(question => question.Id == id);

    public void Clear() => _questions.Clear();

    public Question? Due(Instant now) => _questions.Find(question => question.Next <= now);

    public void Resent(Question question, Instant next)
    {
        if (_questions.IndexOf(question) is >= 0 and var at)
            _questions[at] = question with { Resent = question.Resent + 1, Next = next };
    }
}

/// <summary>
/// The last messages that were taken, by a hash of their octets, with what is sent again when one of them comes again; and those that were sent, which must not
/// come back. There are no sequence numbers in IKEv1.
/// </summary>
sealed class Heard
{
    /// <summary>As many are remembered.</summary>
    const int Capacity = 32;

    readonly List<(Blob Digest, ImmutableArray<Blob> Answer)> _taken = [];
    readonly List<Blob> _sent = [];

    /// <summary>Our own message has come back to us.</summary>
    public bool IsEcho(ReadOnlySpan<byte> bytes) => _sent.Contains(SHA256.HashData(bytes));

    /// <summary>What to send again, which may be nothing; null for a message that is new.</summary>
    public ImmutableArray<Blob>? AnswerTo(ReadOnlySpan<byte> bytes)
    {
        Blob digest = SHA256.HashData(bytes);
        return _taken.FindIndex(one => one.Digest == digest) is >= 0 and var at ? _taken[at].Answer : null;
    }

    public void Take(ReadOnlySpan<byte> bytes, ImmutableArray<Blob> answer)
    {
        if (_taken.Count == Capacity)
            _taken.RemoveAt(0);
        _taken.Add((SHA256.HashData(bytes), answer));
    }

    public void Sent(ImmutableArray<Blob> messages)
    {
        foreach (var message in messages)
        {
            if (_sent.Count == Capacity)
                _sent.RemoveAt(0);
            _sent.Add(SHA256.HashData(message));
        }
    }
}
