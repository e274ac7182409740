using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Kuguru.Daemon.Vici;

/// <summary>What a packet is; requests and registrations go to the daemon, the others to the client.</summary>
public enum ViciOperation : byte
{
    CommandRequest,
    CommandResponse,
    CommandUnknown,
    EventRegister,
    EventUnregister,
    EventConfirm,
    EventUnknown,
    Event,
}

/// <summary>
/// One packet: an operation octet, a name where the operation has one, a message where it has one (both empty else). On the stream
/// every packet follows its length as 32 bits in network order, at most <see cref="MaxLength"/>.
/// </summary>
public sealed record ViciPacket(ViciOperation Operation, string Name, ViciMessage Message)
{
    public const int MaxLength = 512 * 1024;
    public const int HeaderLength = 4;

    public ViciPacket(ViciOperation operation) : this(operation, "", []) { }

    /// <summary>Reads what followed the length.</summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out ViciPacket? packet, out ViciError error)
    {
        packet = null;
        var reader = new ViciEncoding.Reader(bytes);
        if (!reader.TryByte(out var octet))
        {
            error = ViciError.Truncated;
            return false;
        }
        if (octet > (byte)ViciOperation.Event)
        {
            error = ViciError.UnknownOperation;
            return false;
        }
        var operation = (ViciOperation)octet;
        var name = "";
        ViciMessage message = [];
        error = HasName(operation) ? reader.ReadName(out name) : ViciError.None;
        if (error == ViciError.None)
            error = HasMessage(operation) ? reader.ReadMessage(out message) : reader.AtEnd ? ViciError.None : ViciError.TrailingOctets;
        packet = error == ViciError.None ? new ViciPacket(operation, name, message) : null;
        return packet is not null;
    }

    /// <summary>The packet behind its length; false when it, or a value in it, is longer than the protocol allows.</summary>
    public bool TryWrite([NotNullWhen(true)] out byte[]? frame)
    {
        frame = null;
        if (HasMessage(Operation) && !ViciEncoding.Fits(Message))
            return false;
        var output = new ArrayBufferWriter<byte>(4096);
        output.Advance(HeaderLength);
        if (HasName(Operation))
            ViciEncoding.WriteName(output, (byte)Operation, Name);
        else
            output.Write([(byte)Operation]);
        if (HasMessage(Operation))
            ViciEncoding.Write(Message, output);
        frame = output.WrittenCount - HeaderLength <= MaxLength ? output.WrittenSpan.ToArray() : null;
        if (frame is not null)
            BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length - HeaderLength);
        output.Clear();
        return frame is not null;
    }

    static bool HasName(ViciOperation operation) => operation switch
    {
        ViciOperation.CommandRequest or ViciOperation.EventRegister or ViciOperation.EventUnregister or ViciOperation.Event => true,
        ViciOperation.CommandResponse or ViciOperation.CommandUnknown or ViciOperation.EventConfirm or ViciOperation.EventUnknown => false,
    };

    static bool HasMessage(ViciOperation operation) => operation switch
    {
        ViciOperation.CommandRequest or ViciOperation.CommandResponse or ViciOperation.Event => true,
        ViciOperation.CommandUnknown or ViciOperation.EventRegister or ViciOperation.EventUnregister
            or ViciOperation.EventConfirm or ViciOperation.EventUnknown => false,
    };
}
