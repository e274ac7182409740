using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V2;

namespace Kuguru.Ike.V2;

// HDR, SKF(1/n) {first part}   each piece is a protected message of its own, under the same message ID;       RFC 7383 section 2.5
// HDR, SKF(2/n) {second part}  the pieces together are the inner payloads, whose first type piece 1 carries

/// <summary>Messages that are too long for one datagram.</summary>
static class Fragments
{
    const int Ipv4Header = 20, Ipv6Header = 40, UdpHeader = 8;

    /// <summary>What every IPv4 host takes (RFC 7383 section 2.5.1, RFC 791), and every IPv6 link carries.</summary>
    const int SmallestV4 = 576, SmallestV6 = 1280;

    /// <summary>The size to try when this one does not get through; null when there is no smaller one.</summary>
    public static int? Smaller(int size, bool isV6)
    {
        var smallest = isV6 ? SmallestV6 : SmallestV4;
        return size <= smallest ? null : !isV6 && size > SmallestV6 ? SmallestV6 : smallest;
    }

    /// <summary>What to answer in: pieces no larger than those that the request came in, which have got through; but none that every host takes is too large.</summary>
    public static int Answering(int size, int firstPiece, Path path, ushort natPort) =>
        Math.Min(size, Math.Max(firstPiece + Headers(path, natPort), path.Remote.Address.IsV6 ? SmallestV6 : SmallestV4));

    static int Headers(Path path, ushort natPort) =>
        (path.Remote.Address.IsV6 ? Ipv6Header : Ipv4Header) + UdpHeader + (path.Local.Port == natPort ? NonEspMarker.Size : 0);

    /// <summary>One datagram where it fits, else pieces of which each fits.</summary>
    /// <param name="keying">Seals.</param>
    /// <param name="outer">The header.</param>
    /// <param name="inner">What goes inside.</param>
    /// <param name="size">Largest IP datagram.</param>
    /// <param name="path">Decides what IP, UDP and marker take of it.</param>
    /// <param name="natPort">Where the marker is used.</param>
    /// <param name="dice">For IVs.</param>
    public static ImmutableArray<Blob> Seal(Keying keying, IkeMessage outer, Sequence<Payload> inner, int size, Path path, ushort natPort, Dice dice)
    {
        var plaintext = Payload.WriteChain(inner, out var first);
        var room = size - Headers(path, natPort);
        var piece = keying.MaxPiece(room);
        if (keying.SealedLength(plaintext.Length) <= room || piece <= 0)
            return [keying.Seal(outer, inner, dice)];
        var total = checked((ushort)((plaintext.Length + piece - 1) / piece));
        var messages = ImmutableArray.CreateBuilder<Blob>(total);
        for (var i = 0; i < total; i++)
        {
            var part = plaintext.AsSpan(i * piece, Math.Min(piece, plaintext.Length - i * piece));
            messages.Add(keying.SealFragment(outer, first, (ushort)(i + 1), total, part, dice));
        }
        return messages.MoveToImmutable();
    }
}

/// <summary>
/// The pieces of one message that have come so far. Only authentic ones get here, so only the peer can fill it, and it holds one message of
/// each kind at most.
/// </summary>
sealed class Reassembly
{
    /// <summary>Windows sends up to 29 pieces for certificates.</summary>
    public const int MaxPieces = 64;

    readonly Dictionary<ushort, Opened> _pieces = [];
    MessageId _id;
    bool _isResponse;
    ushort _total;

    /// <summary>True with the last piece: <paramref name="opened"/> is then the whole message, which is recognised by its first piece.</summary>
    public bool TryAdd(Turn t, IkeMessage message, Payload.SKF piece, ref Opened opened)
    {
        if (t.Sa.Fragments is null || piece.Total > MaxPieces || (IsSame(message) && piece.Total < _total))
        {
            t.Node.Count(IkeDrop.BadFragment);
            return false;
        }
        // More pieces than before: the peer sends it in smaller ones (section 2.6).
        if (!IsSame(message) || piece.Total > _total)
            Begin(message, piece.Total);
        _pieces.TryAdd(piece.Number, opened);
        if (_pieces.Values.Sum(part => part.Plaintext.Length) > t.Settings.MaxPacket)
        {
            t.Node.Count(IkeDrop.BadFragment);
            _pieces.Clear();
            return false;
        }
        if (_pieces.Count < _total)
            return false;
        opened = new(_pieces[1].FirstInner, [.. Enumerable.Range(1, _total).SelectMany(number => _pieces[(ushort)number].Plaintext)], _pieces[1].Bytes);
        if (!message.IsResponse && t.Sa.Fragments is { } size)
            t.Sa.Fragments = Fragments.Answering(size, _pieces[1].Bytes.Length, t.Arrived, t.Settings.NatPort);
        _total = 0;
        _pieces.Clear();
        return true;
    }

    bool IsSame(IkeMessage message) => _total != 0 && _id == message.Id && _isResponse == message.IsResponse;

    void Begin(IkeMessage message, ushort total)
    {
        _pieces.Clear();
        (_id, _isResponse, _total) = (message.Id, message.IsResponse, total);
    }
}
