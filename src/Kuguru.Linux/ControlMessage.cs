using System.Runtime.InteropServices;

namespace Kuguru.Linux;

/// <summary>Ancillary data of sendmsg and recvmsg (cmsg(3)): header {length, level, type} of 16 octets, each message padded to 8.</summary>
static unsafe class ControlMessage
{
    const int HeaderLength = 16;

    /// <summary>Enough for everything that is asked for or sent here.</summary>
    public const int Room = 512;

    /// <summary>Writes one message and returns the place behind it.</summary>
    public static byte* Put<T>(byte* at, int level, int type, T value) where T : unmanaged
    {
        *(nuint*)at = (nuint)(HeaderLength + sizeof(T));
        *(int*)(at + 8) = level;
        *(int*)(at + 12) = type;
        *(T*)(at + HeaderLength) = value;
        return at + HeaderLength + Padded(sizeof(T));
    }

    /// <summary>The source address of what is sent (in_pktinfo.ipi_spec_dst, in6_pktinfo.ipi6_addr); the kernel chooses the interface.</summary>
    public static byte* PutSource(byte* at, IpAddress source)
    {
        if (source.IsV6)
        {
            PacketInformationV6 information = default;
            source.Write(new(information.Address, 16));
            return Put(at, Libc.IPPROTO_IPV6, Libc.IPV6_PKTINFO, information);
        }
        else
        {
            PacketInformationV4 information = default;
            source.Write(new(information.LocalAddress, 4));
            return Put(at, Libc.IPPROTO_IP, Libc.IP_PKTINFO, information);
        }
    }

    public static Reader Read(in MessageHeader message) => new(message.Control, message.ControlLength);

    static int Padded(int length) => (length + 7) & ~7;

    /// <summary>Goes through received messages: <c>while (reader.Next()) ... reader.Level, reader.Type, reader.Data</c>.</summary>
    public ref struct Reader(byte* at, nuint length)
    {
        byte* _next = at;
        readonly byte* _end = at + length;

        public int Level { get; private set; }
        public int Type { get; private set; }
        public byte* Data { get; private set; }
        public int Length { get; private set; }

        public bool Next()
        {
            if (_end - _next < HeaderLength || *(nuint*)_next is var length && (length < HeaderLength || length > (nuint)(_end - _next)))
                return false;
            Level = *(int*)(_next + 8);
            Type = *(int*)(_next + 12);
            Data = _next + HeaderLength;
            Length = (int)length - HeaderLength;
            _next += Math.Min(Padded((int)length), _end - _next);
            return true;
        }

        public readonly bool Is(int level, int type) => Level == level && Type == type;
    }
}

/// <summary>struct in_pktinfo: as received, LocalAddress is ours and HeaderAddress the packet's destination (which differ for broadcast).</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct PacketInformationV4
{
    public int Interface;
    public fixed byte LocalAddress[4];
    public fixed byte HeaderAddress[4];
}

/// <summary>struct in6_pktinfo.</summary>
[StructLayout(LayoutKind.Sequential)]
unsafe struct PacketInformationV6
{
    public fixed byte Address[16];
    public int Interface;
}
