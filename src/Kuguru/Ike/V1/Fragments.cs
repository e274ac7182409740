using System.Collections.Immutable;
using Kuguru.Nat;
using Kuguru.Wire;
using Kuguru.Wire.V1;

namespace Kuguru.Ike.V1;

// HDR, FRAG(1)  -->       where both sides have said so by vendor ID: a message in pieces, each in clear behind a header of its own,
// HDR, FRAG(2)  -->       the last one marked; the whole is a message with header and all
static class Fragments
{
    const int UdpHeader = 8, Ip4Header = 20, Ip6Header = 40, MaxPieces = 255;

    /// <summary>The datagrams of a message that is to fit IP datagrams of this size: itself, if it does.</summary>
    public static ImmutableArray<Blob> Split(IsakmpMessage outer, Blob message, int size, Path path, ushort natPort, ushort id)
    {
        var overhead = (path.Remote.Address.IsV6 ? Ip6Header : Ip4Header) + UdpHeader + (path.Local.Port == natPort ? NonEspMarker.Size : 0);
        if (message.Length + overhead <= size)
            return [message];
        var room = Math.Max(size - overhead - IkeHeader.Size - Payload.Fragment.HeaderSize, message.Length / MaxPieces + 1);
        var pieces = ImmutableArray.CreateBuilder<Blob>();
        for (var at = 0; at < message.Length; at += room)
        {
            var piece = message.Memory.Slice(at, Math.Min(room, message.Length - at)).ToArray();
            var payload = new Payload.Fragment(id, (byte)(pieces.Count + 1), at + room >= message.Length, piece);
            pieces.Add((outer with { Id = MessageId.Zero, Flags = IsakmpFlags.None, Payloads = [payload] }).Write());
        }
        return pieces.ToImmutable();
    }
}

/// <summary>The pieces of one message at a time, as much as <c>max_packet</c> allows.</summary>
sealed class Reassembly
{
    readonly SortedDictionary<byte, Blob> _pieces = [];
    ushort _id;
    byte? _last;

    /// <summary>The whole message with the last piece that it lacked; else null. A piece of another message begins anew.</summary>
    public byte[]? Add(Payload.Fragment fragment, int limit, out bool isBad)
    {
        if (fragment.MessageId != _id)
        {
            _pieces.Clear();
            (_id, _last) = (fragment.MessageId, null);
        }
        isBad = fragment.Number > _last || (fragment.IsLast && _pieces.Keys.Any(number => number > fragment.Number))
            || _pieces.Values.Sum(piece => piece.Length) + fragment.Data.Length > limit;
        if (isBad)
            return null;
        if (fragment.IsLast)
            _last = fragment.Number;
        _pieces.TryAdd(fragment.Number, fragment.Data);
        if (_pieces.Count != _last)
            return null;
        byte[] whole = [.. _pieces.Values.SelectMany(piece => piece.ToArray())];
        _pieces.Clear();
        _last = null;
        return whole;
    }
}
