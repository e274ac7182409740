using System.Buffers.Binary;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// The part of who is asked by a MappingProbe: one datagram, after a time, to where the question came from.
sealed partial class Established
{
    Again? _again;

    /// <summary>What was asked, from where, and when something more is said to it.</summary>
    sealed record Again(MessageId Id, Path Path, Instant At);

    /// <summary>The newest wish counts: there is one at a time, and none that is longer than what a probe tries.</summary>
    public void HearWish(Turn t, IkeMessage request)
    {
        if (!t.Sa.Mobility.SpeaksAgain || request.Find(NotifyType.SpeakAgain) is not { Data.Length: 2 } wish)
            return;
        var wait = TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt16BigEndian(wish.Data.Span));
        _again = wait > TimeSpan.Zero && wait <= MappingLife.Longest ? new Again(request.Id, t.Arrived, t.Now + wait) : null;
    }

    void SpeakAgain(Turn t)
    {
        var again = _again!;
        _again = null;
        SayMore(t, ExchangeType.Informational, again.Id, again.Path, [new Payload.Notify(NotifyType.SpeakAgain)]);
    }
}
