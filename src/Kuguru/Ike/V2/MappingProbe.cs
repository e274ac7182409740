using System.Buffers.Binary;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// How long does the NAT in front of us let a silent mapping live? The tunnel's own mapping is not put at risk: a second one, from a port of its own,
// stands in for it, and the peer is asked to speak to it after a silence (Established.Again.cs is the peer's part):
//
//   port P     HDR, SK {N(SPEAK_AGAIN)}  -->         the mapping is made, or refreshed
//   port P                     <--  HDR, SK {}       the answer, at once
//              ... silence, on that port only; all else goes on as always ...
//   port P                     <--  HDR, SK {N(SPEAK_AGAIN)}     under the same message ID, unasked and once: the mapping lives
//
// What is asked for is a number of seconds, two octets; 0 is not at all. A NAT gives a mapping a long life only after it has seen both directions for a
// while: so before a trial the same is asked twice without a silence, unless the trial before has shown that the mapping lives.
//
// Nobody is asked who has not said in IKE_AUTH that it knows this, by a vendor ID (RFC 7296 section 3.12), which others ignore.

/// <summary>One trial, or one of the openings before it.</summary>
/// <param name="silence">To be tried.</param>
/// <param name="openings">Exchanges without silence that come before.</param>
/// <param name="notBefore">When.</param>
/// <param name="misses">Questions before that were not answered to the other port.</param>
sealed class MappingProbe(TimeSpan silence, int openings, Instant? notBefore, int misses = 0) : Errand
{
    static readonly Payload.VendorId s_vendorId = new("Kuguru speaks again to where it was asked from"u8.ToArray());

    /// <summary>Openings before a trial, and the time between: Linux, for one, counts a flow as settled when it goes on after two seconds.</summary>
    const int Openings = 2;
    public static readonly TimeSpan Between = TimeSpan.FromSeconds(3);

    /// <summary>One question that is answered to 4500 may be one lost packet.</summary>
    const int MaxMisses = 2;

    /// <summary>After the tunnel is up; between trials; after one that could not be.</summary>
    public static readonly TimeSpan Begin = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromSeconds(5), Retreat = TimeSpan.FromMinutes(1);

    MessageId _id;
    Instant _askedAt;

    public override string Task => "IKE_DPD";
    public override Instant? NotBefore { get; protected set; } = notBefore;

    /// <summary>What goes into IKE_AUTH of an initiator that may have something to ask.</summary>
    public static IEnumerable<Payload> Offer(Turn t, Connection connection) => t.Sa.Nat.Local || connection.Mobike ? [s_vendorId] : [];

    /// <summary>What goes into a responder's, to who has offered it.</summary>
    public static IEnumerable<Payload> Agree(Turn t, IkeMessage request)
    {
        Hear(t, request);
        return t.Sa.Mobility.SpeaksAgain ? [s_vendorId] : [];
    }

    public static void Hear(Turn t, IkeMessage message) =>
        t.Sa.Mobility.SpeaksAgain = message.All<Payload.VendorId>().Any(vendor => vendor.Data == s_vendorId.Data);

    /// <param name="silence">To be tried.</param>
    /// <param name="isOpened">The mapping is known to live, and to have seen both directions.</param>
    public static MappingProbe Of(TimeSpan silence, bool isOpened) => new(silence, isOpened ? 0 : Openings, notBefore: null);

    public override bool Ask(Turn t, Established e)
    {
        if (!e.MayProbe(t.Sa) || !e.TakeProbeLine(t))
            return false;
        (_id, _askedAt) = (t.Sa.Window.NextOut, t.Now);
        var seconds = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(seconds, (ushort)(openings > 0 ? 0 : silence.TotalSeconds));
        e.Ask(t, ExchangeType.Informational, [new Payload.Notify(NotifyType.SpeakAgain, seconds)], ProbePath(t));
        return true;
    }

    public override void Conclude(Turn t, Established e, IkeMessage response)
    {
        // Asked once more it was asked from 4500.
        var came = t.Arrived.Local.Port == t.Settings.ProbePort;
        if (came && openings == 0)
            e.AwaitSpeech(_id, silence, _askedAt);
        else if (came || misses + 1 < MaxMisses)
            e.Enqueue(new MappingProbe(silence, came ? openings - 1 : Openings, t.Now + Between, came ? misses : misses + 1));
        else
        {
            t.Note(Severity.Info, Subject.Network, "answers to another port do not get here: keepalives stay as they are");
            e.Learn(t, e.Life(t.Sa) with { IsBlocked = true });
        }
    }

    public static Path ProbePath(Turn t) => t.Sa.Path with { Local = t.Sa.Path.Local with { Port = t.Settings.ProbePort } };
}
