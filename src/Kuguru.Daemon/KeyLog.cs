using Kuguru.Ike;

namespace Kuguru.Daemon;

/// <summary>
/// Wireshark's key tables, <c>ikev2_decryption_table</c>, <c>ikev1_decryption_table</c> and <c>esp_sa</c>, appended to in a folder that only the owner reads. Whoever has them reads the traffic:
/// off unless asked for.
/// </summary>
public sealed class KeyLog
{
    const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    readonly string _ike, _ikeV1, _esp;

    /// <exception cref="IOException">The folder cannot be made or written to.</exception>
    public KeyLog(string folder)
    {
        Directory.CreateDirectory(folder, FolderMode);
        _ike = System.IO.Path.Combine(folder, "ikev2_decryption_table");
        _ikeV1 = System.IO.Path.Combine(folder, "ikev1_decryption_table");
        _esp = System.IO.Path.Combine(folder, "esp_sa");
        Append(_ike, "");
        Append(_ikeV1, "");
        Append(_esp, "");
    }

    public void Write(KeyTable row)
    {
        switch (row)
        {
            case KeyTable.Ike ike:
                Append(_ike, ike.Line + "\n");
                break;
            case KeyTable.IkeV1 ike:
                Append(_ikeV1, ike.Line + "\n");
                break;
            case KeyTable.Esp esp:
                Append(_esp, esp.Line + "\n");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(row));
        }
    }

    static void Append(string path, string text)
    {
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Append,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            UnixCreateMode = OwnerOnly,
        });
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
    }
}
