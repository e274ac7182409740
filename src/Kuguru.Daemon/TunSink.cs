using Kuguru.Esp;
using Kuguru.Linux;

namespace Kuguru.Daemon;

/// <summary>The TUN device as the place where inner packets go. One thread's.</summary>
sealed unsafe class TunSink(TunDevice tun) : ITunSink
{
    long _written, _refused;

    /// <summary>Packets and super-packets.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>What the kernel did not take: the device is down, or there is no memory.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>The last refusal.</summary>
    public Errno LastError { get; private set; }

    public void Write(ReadOnlySpan<Piece> packet)
    {
        // Both are laid out as struct iovec.
        fixed (Piece* pieces = packet)
        {
            var errno = tun.Write((IoVector*)pieces, packet.Length);
            if (errno == Errno.None)
            {
                Volatile.Write(ref _written, _written + 1);
                return;
            }
            Volatile.Write(ref _refused, _refused + 1);
            LastError = errno;
        }
    }
}
